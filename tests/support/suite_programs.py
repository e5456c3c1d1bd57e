"""Programs for `tests.support.suite`: small ones, random ones, and what random ones do not meet."""

from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np
from tests.cocotb.small import ARCHITECTURE, network, requantization
from tests.support.networks import Limits, random_network

from bitwright.arith import Rounding
from bitwright.arith.rounding import MAX_SHIFT
from bitwright.compiler import CompileError, Program, compile
from bitwright.isa.instructions import (
    EXECUTE_FIELDS,
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    ExecuteOpcode,
    decode,
    encode,
)
from bitwright.network import Conv2d, Input, Network, Quantization, Requantization

NETWORKS = 24
LANE_NETWORKS = 12


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
