"""The arithmetic mapped to the ECP5's cells, in lockstep with its portable twin."""

import pytest
from tests.rtl.lockstep import RANDOM, differing_cycle

from bitwright.isa import Architecture
from bitwright.isa.instructions import RoundingCode
from bitwright.rtl.config import LaneConfig
from bitwright.rtl.lane import Lane
from bitwright.rtl.multiplier import PairMultiplier
from bitwright.rtl.pe import ElementPair

INPUTS = "activation(x[7:0]), .weight_0(x[15:8]), .weight_1(x[23:16])"


COUNT = "x + 1"


@pytest.mark.parametrize("style", ["twin", "dsp", "lut"])
def test_products_of_all_activations_and_weight_pairs(style) -> None:
    outputs = {"product_0": 16, "product_1": 16}
    found = differing_cycle(lambda: PairMultiplier(style), INPUTS, outputs, (1 << 24) + 16, COUNT)
    assert found == 0, f"they differ as late as cycle {found}"


LANE = """acc(x[31:0]), .residual(x[39:32]), .\\config (CONFIG),
    .parameters({26'b0, x[45:40] ^ x[5:0], x[62:31] >> x[5:2], x[40:9] >> x[11:8], ~x[44:13]})"""
"""A record's fields, highest first: shift, residual_multiplier, multiplier, bias."""


@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
@pytest.mark.parametrize(("bits", "residual_bits"), [(31, 31), (16, 27), (31, 0), (8, 8)])
def test_codes_of_random_sums(bits, residual_bits, rounding) -> None:
    """Bias and multiplier of any size, beyond what a program may hold, which wraps alike."""
    architecture = Architecture(
        multiplier_bits=bits, residual_bits=residual_bits, roundings=(rounding,)
    )
    config = LaneConfig().const(
        {
            "low": -128,
            "high": 127,
            "zero_point": 3,
            "residual": int(residual_bits > 0),
            "residual_zero_point": -5,
            "rounding": RoundingCode[rounding],
        }
    )
    value = config.as_value()
    inputs = LANE.replace("CONFIG", f"{len(value)}'d{value.value}")
    found = differing_cycle(lambda: Lane(architecture), inputs, {"code": 8}, 1 << 20, RANDOM)
    assert found == 0, f"they differ as late as cycle {found}"


@pytest.mark.parametrize("bits", [20, 32])
@pytest.mark.parametrize("style", ["twin", "dsp", "lut"])
def test_sums_of_random_tiles(style, bits) -> None:
    """Tiles of 8 elements on average, so 20 bits hold most sums and wrap in some."""
    inputs = INPUTS + ", .first_0(x[28:26] == 0), .first_1(x[33:31] == 0)"
    architecture = Architecture(accumulator_bits=bits)
    found = differing_cycle(
        lambda: ElementPair(architecture, style),
        inputs,
        {"acc_0": bits, "acc_1": bits},
        1 << 22,
        RANDOM,
    )
    assert found == 0, f"they differ as late as cycle {found}"
