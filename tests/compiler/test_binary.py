"""How binary layers are stored, cut into segments and finished, and what machine they need."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support.binary_networks import stacked_network

from bitwright.compiler import CompileError, Program, compile, summarize
from bitwright.isa import Architecture, ArchitectureError
from bitwright.isa.instructions import INVERT_BIT
from bitwright.network import Network, Threshold

ARCHITECTURE = Architecture(xnor=True)


def convolution(channels: int, **window: Any) -> dict[str, int]:
    """The fields of a binary convolution of an image of (channels, 6, 6) to eight channels."""
    net = stacked_network((channels, 6, 6), [{"channels": 8, **window}], bits=True)
    return compile(net, ARCHITECTURE).decoded()[1]


@pytest.mark.parametrize(
    ("channels", "window", "expected"),
    [
        # A kernel line of 3 pixels of 2 bytes: 48 bits, one word.
        (16, {"kernel": (3, 3)}, {"kernel_x": 1, "kernel_y": 3, "words": 1, "last_bits": 48}),
        # Padding above and below leaves lines whole; beside, it does not.
        (16, {"kernel": (3, 3), "padding": (1, 0, 1, 0)}, {"kernel_x": 1, "last_bits": 48}),
        (16, {"kernel": (3, 3), "padding": (0, 1, 0, 1)}, {"kernel_x": 3, "last_bits": 16}),
        (16, {"kernel": (3, 3), "dilation": (1, 2)}, {"kernel_x": 3, "last_bits": 16}),
        # 2 pixels of 13 bits in 2 bytes: up to the last channel, where no line is padding.
        (13, {"kernel": (2, 2)}, {"kernel_x": 1, "last_bits": 29}),
        (13, {"kernel": (2, 2), "padding": (1, 0, 0, 0)}, {"kernel_x": 2, "last_bits": 13}),
        (64, {"kernel": (1, 1)}, {"words": 1, "last_bits": 64}),
        (65, {"kernel": (1, 1)}, {"words": 2, "last_bits": 1}),
    ],
)
def test_kernel_is_cut_into_segments(
    channels: int, window: dict[str, Any], expected: dict[str, int]
) -> None:
    fields = convolution(channels, **window)
    assert fields["binary"] == 1
    assert {name: fields[name] for name in expected} == expected


def records(program: Program) -> np.ndarray:
    """(records, 4) words of the parameters, which the prologue ends with."""
    packet = program.prologue[-program.packets(body=False)[-1] :]
    return packet.reshape(-1, 16).view(np.int32)


def test_threshold_is_a_bias_and_a_direction_and_absent_channels_are_zero() -> None:
    net = stacked_network((100,), [5, 3], bits=True)
    value, direction = np.array([7, 7, -(1 << 60), 1 << 60, 0]), np.array([1, -1, 1, 1, -1])
    layer = replace(net.layers[1], requantization=Threshold(value=value, direction=direction))
    program = compile(Network((net.layers[0], layer)), ARCHITECTURE)
    assert program.decoded()[1]["signs"] == 1
    found = records(program)
    # acc - 7 >= 0; not acc + 7 - 1 >= 0; always, as acc >= -100; never, as acc <= 100.
    assert found[:5, 0].tolist() == [-7, 6, 100, -101, -1]
    assert found[:, 1].tolist() == [1] * 5 + [0] * 3
    assert (found[:, 3] >> INVERT_BIT).tolist() == [0, 1, 0, 0, 1, 1, 1, 1]


def test_flattened_pixels_are_whole_bytes() -> None:
    net = stacked_network((3, 2, 2), ["flat", 4], bits=True)
    program = compile(net, ARCHITECTURE)
    plan = program.layers[1]
    assert plan.order is not None
    # Four pixels of three channels and five bits that are none.
    assert plan.order[:11] == (0, 4, 8, -1, -1, -1, -1, -1, 1, 5, 9)
    assert (plan.region.channels, plan.region.extent) == (32, 4)


def test_utilization_is_the_engines() -> None:
    net = stacked_network((64,), [64, 64], bits=True)
    program = compile(net, ARCHITECTURE, batch=8)
    first = summarize(program)[1]
    assert first.utilization == 64 * 64 * 8 / (512 * first.cycles_model)


def test_maximum_of_bits_needs_the_engine() -> None:
    net = stacked_network((3, 4, 4), ["pool"], bits=True)
    with pytest.raises(CompileError, match="takes the maximum of bits, but '8x8' has no XNOR"):
        compile(net, Architecture())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 4}, "needs rows == columns, a multiple of 8, got 4x8"),
        ({"rows": 4, "columns": 4}, "needs rows == columns, a multiple of 8, got 4x4"),
        ({"xnor": 1}, "xnor must be true or false, got 1"),
    ],
)
def test_engine_needs_a_square(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Architecture(**{"xnor": True} | changes)


def test_engine_is_part_of_the_hash() -> None:
    assert ARCHITECTURE.hash != Architecture().hash
