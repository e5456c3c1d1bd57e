"""What tells a sound accelerator from a defective one, as functions: `tools/mutate.py` runs them.

Everything goes through the C++ driver on the small machine of `tests.cocotb.small`, so that the
whole suite takes seconds.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np
from tests.cocotb.small import ARCHITECTURE, images, network, requantization
from tests.support.machine import IMAGES, INTERRUPTS, Machine
from tests.support.malformed import Sent, Stop, cases, powers_of_two
from tests.support.networks import Limits, random_codes, random_network

from bitwright.arith import Rounding
from bitwright.arith.rounding import MAX_SHIFT
from bitwright.compiler import CompileError, Program, compile, predict
from bitwright.isa import ErrorCode
from bitwright.isa.instructions import (
    EXECUTE_FIELDS,
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    ExecuteOpcode,
    decode,
    encode,
)
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_RUN,
    MAGIC,
    PROFILE_BASE,
    REGISTERS,
    STATUS_BUSY,
    STATUS_DONE,
    VERSION,
)
from bitwright.network import Conv2d, Input, Network, Quantization, Requantization

SLAVE_ERROR = 2
NETWORKS = 24
LANE_NETWORKS = 12
Open = Callable[[], Machine]


@cache
def programs() -> tuple[Program, Program]:
    """The resident and the streamed program."""
    resident, streamed = (compile(network(kind), ARCHITECTURE) for kind in (False, True))
    return resident, streamed


@cache
def residual_program() -> Program:
    """A convolution on the array that adds a residual; random ones need wider multipliers."""
    rng = np.random.default_rng(3)
    plain = network(streamed=False)
    conv = plain["conv"]
    assert isinstance(conv, Conv2d)
    added = replace(
        conv,
        name="added",
        inputs=("conv", "conv"),
        weight=rng.integers(-128, 128, (5, 5, 2, 2)),
        padding=(1, 0, 0, 1),
        residual_multiplier=rng.integers(1 << 12, 1 << 15, 5),
        requantization=requantization(5, 22),
    )
    return compile(Network((plain.input, conv, added)), ARCHITECTURE)


@cache
def full_program() -> Program:
    """The resident program in instruction memories that are full: loads repeated, NOPs at its end.

    The last instruction, which sends the result, stays the last.
    """
    program = programs()[0]
    nop = encode(EXECUTE_FIELDS, EXECUTE_WORDS, {"opcode": ExecuteOpcode.NOP})
    execute = list(program.execute)
    spare = ARCHITECTURE.execute_instructions - len(execute)
    execute[-1:-1] = [tuple(nop)] * spare
    first = decode(FETCH_FIELDS, list(program.fetch[0]))
    again = tuple(encode(FETCH_FIELDS, FETCH_WORDS, first | {"acquire": 0, "release": 0}))
    times = ARCHITECTURE.fetch_instructions - len(program.fetch)
    packet = program.prologue[: program.packets(body=False)[0]]
    return replace(
        program,
        execute=tuple(execute),
        fetch=(again,) * times + program.fetch,
        prologue_count=program.prologue_count + times,
        prologue=np.concatenate([packet] * times + [program.prologue]),
    )


@cache
def lane_programs() -> list[Program]:
    """Convolutions whose lanes shift by anything, to results within and just beyond the clamps."""
    rng = np.random.default_rng(11)
    q = Quantization(scale=0.1, zero_point=5)
    found = []
    for _ in range(LANE_NETWORKS):
        channels = ARCHITECTURE.parameter_records
        shift = rng.integers(0, MAX_SHIFT + 1, channels)
        multiplier = rng.choice([1, 3, 1 << 15, (1 << 16) - 1], channels)
        multiplier = np.where(rng.random(channels) < 0.5, rng.integers(0, 1 << 16), multiplier)
        # The result that a channel's sums lie around: clamped, saturated, or neither.
        aim = rng.normal(0, 1, channels) * rng.choice([100, 600, 5000, 1 << 20], channels)
        bias = np.clip(aim * 2.0**shift / np.maximum(multiplier, 1), -(1 << 30), 1 << 30)
        x = Input(name="input", inputs=(), shape=(1, 4, 4), output=q)
        conv = Conv2d(
            name="conv",
            inputs=("input",),
            shape=(channels, 4, 4),
            output=q,
            weight=rng.integers(-128, 128, (channels, 1, 1, 1)),
            bias=bias.astype(np.int64),
            requantization=Requantization(
                multiplier=multiplier, shift=shift, low=-128, high=int(rng.choice([90, 127]))
            ),
        )
        found.append(compile(Network((x, conv)), ARCHITECTURE))
    return found


@cache
def low_bit_programs() -> list[Program]:
    """Convolutions of which every bit of the sums is in some result, on the array and the lanes."""
    rng = np.random.default_rng(12)
    q = Quantization(scale=0.1, zero_point=-1)
    found = []
    for depth, groups in ((2, 1), (8, 8)):
        x = Input(name="input", inputs=(), shape=(depth, 4, 4), output=q)
        shift = np.arange(8)
        size = np.minimum(1 << shift, 127)[:, None, None, None]
        shape = (8, depth // groups, 3, 3)
        weight = rng.integers(-size, size, shape, endpoint=True) * (rng.random(shape) < 0.4)
        conv = Conv2d(
            name="conv",
            inputs=("input",),
            shape=(8, 4, 4),
            output=q,
            weight=weight,
            bias=np.zeros(8, np.int64),
            padding=(1, 1, 1, 1),
            groups=groups,
            requantization=Requantization(
                multiplier=np.ones(8, np.int64), shift=shift, low=-128, high=127
            ),
        )
        found.append(compile(Network((x, conv)), ARCHITECTURE))
    return found


@cache
def edge_program() -> Program:
    """A residual whose last byte is its bank's last one; it counts nothing, for it is not there."""
    program = residual_program()
    network = program.network
    added = network.output
    assert isinstance(added, Conv2d)
    added = replace(
        added,
        weight=added.weight[:, :, :1, :1],  # both of its channel tiles fit one instruction
        padding=(0, 0, 0, 0),
        residual_multiplier=np.zeros(5, np.int64),
    )
    program = compile(Network((*network.layers[:-1], added)), ARCHITECTURE)
    execute = []
    for words in program.execute:
        values = decode(EXECUTE_FIELDS, list(words))
        if values["residual"]:
            pixels = values["out_width"] * values["out_height"]
            assert values["channel_tiles"] == 2
            size = (pixels - 1) * values["residual_pitch"] + len(added.weight)
            values["residual_base"] = ARCHITECTURE.bank_bytes - size
        execute.append(tuple(encode(EXECUTE_FIELDS, EXECUTE_WORDS, values)))
    return replace(program, execute=tuple(execute))


@cache
def special_programs() -> tuple[Program, ...]:
    """Programs made for what random ones do not meet."""
    made = (residual_program(), edge_program(), full_program())
    return (*made, *lane_programs(), *low_bit_programs())


@cache
def random_programs() -> list[Program]:
    """Programs of the first random networks that fit the small machine."""
    limits = Limits(
        channels=(1, 9),
        pixels=(2, 6),
        kernel=4,
        roundings=(Rounding.HALF_UP,),
        blocks=(1, 4),
    )
    found: list[Program] = []
    seed = 0
    while len(found) < NETWORKS:
        with suppress(CompileError):
            found.append(compile(random_network(seed, limits=limits), ARCHITECTURE))
        seed += 1
    return found


def registers(begin: Open) -> None:
    """What the registers say at rest, what they hold, and what they refuse."""
    with begin() as machine:
        wanted = {"identity": MAGIC, "version": VERSION}
        wanted |= {
            "hash_low": ARCHITECTURE.hash & 0xFFFF_FFFF,
            "hash_high": ARCHITECTURE.hash >> 32,
        }
        for name, register in REGISTERS.items():
            assert machine.access(register.address) == (wanted.get(name, 0), 0), name
            response = 0 if register.access == "rw" else SLAVE_ERROR
            assert machine.access(register.address, 0)[1] == response, name
        for value in (0xFFFF_FFFF, 0x5A5A_A5A5, 0):
            machine.write("images", value)
            assert machine.read("images") == value
        for enabled in (1 << CONTROL_IRQ_DONE, 1 << CONTROL_IRQ_ERROR, INTERRUPTS, 0):
            machine.write("control", enabled)
            assert machine.read("control") == enabled
        end = PROFILE_BASE + 4 * ARCHITECTURE.execute_instructions
        for n in range(17):
            unknown = 1 << n
            if unknown not in {register.address for register in REGISTERS.values()}:
                known = n == PROFILE_BASE.bit_length() - 1
                assert machine.access(unknown)[1] == SLAVE_ERROR * (not known), hex(unknown)
                assert machine.access(unknown, 0)[1] == SLAVE_ERROR, hex(unknown)
        for address in (end, PROFILE_BASE + 2):
            assert machine.access(address)[1] == SLAVE_ERROR
        assert machine.access(end - 4)[1] == 0


def interrupts(begin: Open) -> None:
    """Each interrupt comes if it is enabled, and only then."""
    program = programs()[0]
    for enabled in (0, 1 << CONTROL_IRQ_DONE, 1 << CONTROL_IRQ_ERROR):
        with begin() as machine:
            sent = Sent.of(program, images(program, IMAGES, 1))
            assert machine.load(sent) is None
            machine.begin_run(sent)
            machine.write("control", enabled)
            assert machine.run(2000) == (enabled == 1 << CONTROL_IRQ_DONE)
            machine.write("status", 0)
            assert machine.read("status") >> STATUS_DONE & 1
            machine.write("status", 1 << STATUS_DONE)
            assert not machine.read("status") >> STATUS_DONE & 1
            assert not machine.run(10)
        with begin() as machine:
            machine.write("control", enabled | 1 << CONTROL_RUN)  # without a program
            assert machine.run(100) == (enabled == 1 << CONTROL_IRQ_ERROR)


def counters(begin: Open) -> None:
    """Every bit of every layer and every counter, the host always ready; runs follow runs."""
    with begin() as machine:
        for program in (*programs(), *special_programs(), *random_programs(), programs()[0]):
            x = random_codes(program.network, IMAGES, 2)
            cycles = np.zeros((IMAGES, len(program.execute)), np.uint32)
            machine.record(cycles, np.zeros(cycles.shape, np.uint64))
            taps = {}
            for plan in program.layers:
                taps[plan.name] = np.zeros((IMAGES, plan.region.extent), np.uint8)
                last = plan.instructions[-1]
                machine.tap(last, plan.region.bank, plan.region.base, taps[plan.name])
            machine.check(program, x)
            for plan in program.layers:
                at_zero = replace(plan, region=replace(plan.region, base=0))
                codes = program.unpack_region(at_zero, taps[plan.name])
                assert (codes == program.network.run(x, taps=True)[1][plan.name]).all(), plan.name
            model = predict(program, IMAGES)
            assert machine.read_wide("cycles") == model.total
            assert machine.read_wide("stalls") == model.stalls
            assert machine.read_wide("macs") == model.macs
            assert machine.read("images_done") == IMAGES
            assert (cycles == model.cycles).all()
            for n, expected in enumerate(model.cycles[-1]):
                assert machine.access(PROFILE_BASE + 4 * n) == (int(expected), 0)


def saturation(begin: Open) -> None:
    """The programs once more on the least and the greatest codes: long carries, clamps."""
    with begin() as machine:
        for program in (*programs(), *special_programs(), *random_programs()):
            output = program.network.input.output
            x = np.stack(
                [
                    np.full(program.network.input.shape, end, np.int8)
                    for end in (output.low, output.high)
                ]
            )
            machine.check(program, x)


def many_images(begin: Open) -> None:
    """A run of any number of images goes on after the first two."""
    program = programs()[1]
    x = random_codes(program.network, IMAGES, 3)
    for n in range(2, 32):
        with begin() as machine:
            sent = Sent.of(program, x)
            assert machine.load(sent) is None
            machine.begin_run(sent, 1 << n)
            assert not machine.run(5000)
            assert machine.read("images_done") == IMAGES
            assert machine.received == IMAGES * program.output_beats
            assert machine.read("status") & 1 << STATUS_BUSY


def tokens(begin: Open) -> None:
    """As many tokens as a field or the counter holds."""
    resident, streamed = programs()
    x = random_codes(streamed.network, IMAGES, 4)
    for times in (2, 4, 8, 16, 32, 64, 127):
        program = multiplied(streamed, times)
        with begin() as machine:
            machine.check(program, x)
            assert machine.read_wide("cycles") == predict(streamed, IMAGES).total
    for n in range(16):
        sent = Sent.of(resident)
        sent.header("credits", 1 << n)
        sent.fetch(0, acquire=1)
        with begin() as machine:
            assert machine.load(sent) is None
            machine.recover()
            # A token short.
            sent.header("credits", 0)
            sent.fetch(0, acquire=1 << min(n, 7))
            assert machine.load(sent) == Stop(ErrorCode.DEADLOCK, "fetch", 0)
    # What a program gives and does not take is gone when the next one starts.
    with begin() as machine:
        sent = Sent.of(streamed, x)
        sent.fetch(len(streamed.fetch) - 1, release=255)
        assert machine.load(sent) is None
        assert machine.execute(sent) is None
        machine.write("status", 1 << STATUS_DONE)
        sent = Sent.of(resident, images(resident, IMAGES, 4))
        sent.execute(0, acquire=1)
        assert machine.load(sent) is None
        assert machine.execute(sent) == Stop(ErrorCode.DEADLOCK, "execute", 0)


def multiplied(program: Program, times: int) -> Program:
    """The program with every token counted ``times`` over."""
    changed = {}
    for part, fields, words in (
        ("execute", EXECUTE_FIELDS, EXECUTE_WORDS),
        ("fetch", FETCH_FIELDS, FETCH_WORDS),
    ):
        decoded = [decode(fields, list(code)) for code in getattr(program, part)]
        for values in decoded:
            values["acquire"] *= times
            values["release"] *= times
        changed[part] = tuple(tuple(encode(fields, words, values)) for values in decoded)
    return replace(program, credits=program.credits * times, **changed)


def back_pressure(begin: Open) -> None:
    """The same with a host that pauses."""
    rng = np.random.default_rng(1)
    with begin() as machine:
        for seed, program in enumerate((*programs(), *random_programs()[:6]) * 2):
            machine.pause(seed, *rng.choice([0, 0.2, 0.8], 3))
            machine.check(program, random_codes(program.network, IMAGES, seed))
            # What the host costs is counted: a pause may hide a fetch, but adds nothing else.
            busy = machine.read_wide("cycles") - machine.read_wide("stalls")
            assert busy <= predict(program, IMAGES).total


def malformed(begin: Open) -> None:
    """Every malformed program stops as it must, and the next one runs."""
    resident, streamed = programs()
    for case in (*cases(resident, streamed), *powers_of_two(resident)):
        program = resident if case.program == "RESIDENT" else streamed
        sent = Sent.of(program, images(program, IMAGES, 5))
        case.spoil(sent)
        with begin() as machine:
            stop = machine.load(sent) or machine.execute(sent)
            assert stop == case.stop, f"{case.name}: {stop}"
            machine.recover()
            machine.check(resident, images(resident, IMAGES, 5))


def resets(begin: Open) -> None:
    """A reset at any cycle of a load or run; the next load and run are exact."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        program = programs()[rng.integers(2)]
        sent = Sent.of(program, images(program, IMAGES, 5))
        with begin() as machine:
            machine.pause(seed, *rng.choice([0, 0.2, 0.8], 3))
            if rng.random() < 0.3:
                machine.begin_load(sent)
                machine.tick(int(rng.integers(0, 400)))
            else:
                assert machine.load(sent) is None
                machine.begin_run(sent)
                machine.tick(int(rng.integers(0, 2000)))
            machine.recover() if rng.random() < 0.5 else machine.hard_reset()
            machine.pause(0)
            machine.check(program, images(program, IMAGES, 5))


CHECKS: dict[str, Callable[[Open], None]] = {
    check.__name__: check
    for check in (
        counters,
        registers,
        interrupts,
        saturation,
        many_images,
        tokens,
        malformed,
        back_pressure,
        resets,
    )
}
