"""From a network and an architecture to a program."""

from contextlib import suppress
from dataclasses import replace

from bitwright.compiler.errors import CompileError
from bitwright.compiler.lowering import Lowering, lower
from bitwright.compiler.operation import Operation
from bitwright.compiler.overlap import waits
from bitwright.compiler.placement import Place, place, resolve_banks
from bitwright.compiler.plan import LayerPlan, Region
from bitwright.compiler.program import Program
from bitwright.compiler.schedule import schedule
from bitwright.compiler.stacking import Stacked, stack
from bitwright.compiler.steps import list_steps
from bitwright.compiler.storage import Storage, assign_storage
from bitwright.isa import Architecture
from bitwright.isa.instructions import EXECUTE_FIELDS, ExecuteOpcode, encode_execute
from bitwright.network import Concat, Flatten, Input, Layer, Network

MOST_IMAGES = 1 << EXECUTE_FIELDS["repeats"].width
"""Of a batch."""


def compile(network: Network, architecture: Architecture, batch: int = 1) -> Program:
    """Compile, or refuse with the layer, what it needs and what there is.

    Args:
        network: what to run.
        architecture: on what.
        batch: images that go through the machine together. Their pixels share the array's tiles,
            and a layer's weights are read once for all; their activations need the room.

    Raises:
        CompileError: the network does not fit the architecture.
    """
    if not 1 <= batch <= MOST_IMAGES:
        raise ValueError(f"batch must be in 1..{MOST_IMAGES}, got {batch}")
    stacked = stack(network, architecture)
    if stacked is not None:
        with suppress(CompileError):  # the stacked image is larger, and may not fit
            program = _compile(stacked.network, architecture, batch)
            return _restored(program, network, stacked)
    return _compile(network, architecture, batch)


def _restored(program: Program, network: Network, stacked: Stacked) -> Program:
    """The program as one of the network it was made for, its input's lines as they are sent."""
    plans = []
    for plan in program.layers:
        layer = network[plan.name]
        lines = stacked.lines if isinstance(layer, Input) else None
        plans.append(replace(plan, shape=layer.shape, lines=lines))
    return replace(program, network=network, layers=tuple(plans))


def _compile(network: Network, architecture: Architecture, batch: int) -> Program:
    storage = assign_storage(network)
    steps, sides = resolve_banks(list_steps(network, storage), storage)
    places = place(network, architecture, steps, storage, sides, batch)
    lowering = Lowering(network, architecture, storage, places, batch)
    operations: list[Operation] = []
    for step in steps:
        operations.extend(lower(step, lowering))
    if not operations:
        raise CompileError(network.output.name, "the network computes nothing")
    planned = schedule(operations, architecture)

    complete = [dict.fromkeys(EXECUTE_FIELDS, 0) | op.fields for op in planned.operations]
    for op, wait in zip(planned.operations, waits(complete, architecture), strict=True):
        op.fields["wait"] = wait

    execute = [_transfer(ExecuteOpcode.IN, network.input, storage, places, architecture, batch)]
    owners = [""]
    for op in planned.operations:
        try:
            execute.append(encode_execute(**op.fields))
        except ValueError as error:
            raise CompileError(op.step, str(error)) from None
        owners.append(op.step)
    execute.append(
        _transfer(ExecuteOpcode.OUT, network.output, storage, places, architecture, batch)
    )
    for what, count, limit in (
        ("execute", len(execute), architecture.execute_instructions),
        ("fetch", len(planned.fetch), architecture.fetch_instructions),
    ):
        if count > limit:
            raise CompileError(
                network.output.name,
                f"the program needs {count} {what} instructions,"
                f" but {what}_instructions is {limit}",
            )
    return Program(
        architecture=architecture,
        network=network,
        execute=tuple(tuple(words) for words in execute),
        fetch=tuple(tuple(words) for words in planned.fetch),
        prologue_count=planned.prologue_count,
        credits=planned.credits,
        prologue=planned.prologue,
        body=planned.body,
        layers=_plans(network, storage, places, owners, batch),
        batch=batch,
    )


def _transfer(
    opcode: ExecuteOpcode,
    layer: Layer,
    storage: Storage,
    places: dict[str, Place],
    architecture: Architecture,
    batch: int,
) -> list[int]:
    view = storage.views[layer.name]
    found = places[view.root]
    size = view.height * view.width * view.channels
    return encode_execute(
        opcode=opcode,
        in_bank=found.bank,
        in_base=found.base + view.offset,
        weight_base=-(-batch * size // architecture.lanes),
    )


def _plans(
    network: Network, storage: Storage, places: dict[str, Place], owners: list[str], batch: int
) -> tuple[LayerPlan, ...]:
    plans: list[LayerPlan] = []
    by_name: dict[str, LayerPlan] = {}
    for layer in network:
        view = storage.views[layer.name]
        found = places[view.root]
        if isinstance(layer, Input):
            instructions: tuple[int, ...] = (0,)
        elif isinstance(layer, Flatten | Concat):
            last = max(by_name[name].instructions[-1] for name in layer.inputs)
            copies = [
                n for n, owner in enumerate(owners) if owner.startswith(f"copy:{layer.name}.")
            ]
            instructions = (max([last, *copies]),)
        else:
            instructions = tuple(n for n, owner in enumerate(owners) if owner == layer.name)
        order = storage.orders.get(layer.name)
        codes = layer.shape[0] if order is None else len(order)
        plan = LayerPlan(
            name=layer.name,
            region=Region(
                bank=found.bank,
                base=found.base + view.offset,
                pitch=view.pitch,
                pixels=batch * view.height * view.width,
                channels=codes,
                bits=1 if layer.output.binary else 8,
            ),
            instructions=instructions,
            shape=layer.shape,
            order=None if order is None else tuple(int(n) for n in order),
        )
        plans.append(plan)
        by_name[layer.name] = plan
    return tuple(plans)
