"""The generator the whole project tests with: it must be valid, varied and not saturated."""

import numpy as np
import pytest
from tests.support.networks import Limits, random_codes, random_network

from bitwright.arith import Rounding
from bitwright.network import Add, Conv2d, Linear, MaxPool2d, Network

SEEDS = range(150)


@pytest.fixture(scope="module")
def many() -> list[Network]:
    return [random_network(seed) for seed in SEEDS]


def test_seed_fixes_the_network() -> None:
    assert random_network(11) == random_network(11)
    assert random_network(11) != random_network(12)


def test_blocks_fix_the_depth() -> None:
    """Each block makes one layer or more, and a head may follow."""
    assert len(random_network(1, blocks=12)) > 12


def test_every_kind_and_property_occurs(many: list[Network]) -> None:
    found = {type(layer).__name__ for net in many for layer in net}
    for net in many:
        for layer in net:
            found.add(f"bits {layer.output.bits}")
            found.add(f"zero point {np.sign(layer.output.zero_point)}")
            if len(net.users(layer.name)) > 1:
                found.add("used twice")
            if len(layer.inputs) == 2 and layer.inputs[0] == layer.inputs[1]:
                found.add(f"{type(layer).__name__} of one tensor")
            if hasattr(layer, "requantization"):
                found.add(layer.requantization.rounding.value)
            if hasattr(layer, "padding") and len(set(layer.padding)) > 2:
                found.add(f"{type(layer).__name__} asymmetric padding")
            if isinstance(layer, Conv2d):
                found |= {f"kernel {size}" for size in layer.weight.shape[2:]}
                found |= {f"stride {size}" for size in layer.stride}
                found |= {f"dilation {size}" for size in layer.dilation}
                depthwise = layer.groups > 1 and layer.weight.shape[1] == 1
                found.add("depthwise" if depthwise else f"grouped {layer.groups > 1}")
                found.add(f"residual {layer.residual_multiplier is not None}")
                found.add(f"square {layer.weight.shape[2] == layer.weight.shape[3]}")
    wanted = {"Input", "Conv2d", "Linear", "Add", "MaxPool2d", "AvgPool2d", "Requantize"}
    wanted |= {"Concat", "Flatten", "used twice", "Add of one tensor", "Concat of one tensor"}
    wanted |= {"half_up", "half_even", "half_away", "floor", "trunc"}
    wanted |= {f"bits {bits}" for bits in range(4, 9)}
    wanted |= {f"zero point {sign}" for sign in (-1, 0, 1)}
    wanted |= {f"kernel {size}" for size in range(1, 8)}
    wanted |= {"stride 1", "stride 2", "stride 3", "dilation 1", "dilation 2"}
    wanted |= {"depthwise", "grouped True", "residual True", "residual False", "square False"}
    wanted |= {f"{kind} asymmetric padding" for kind in ("Conv2d", "MaxPool2d", "AvgPool2d")}
    assert wanted - found == set()


def test_few_codes_saturate(many: list[Network]) -> None:
    """At a clamp's bounds lie a fifth of a layer's codes or so (a ReLU's zeros are among them)."""
    at_bounds = []
    for net in many:
        _, taps = net.run(random_codes(net, 8, seed=1), taps=True)
        for layer in net:
            if isinstance(layer, Conv2d | Linear | Add):
                r, codes = layer.requantization, taps[layer.name]
                at_bounds.append(np.mean((codes == r.low) | (codes == r.high)))
    assert np.median(at_bounds) < 0.25
    assert np.quantile(at_bounds, 0.9) < 0.6


@pytest.mark.parametrize("bits", [8, 16, 31])
def test_multipliers_are_normalised_to_their_bits(bits: int) -> None:
    """Unless a second multiplier on the same shift would pass 2^31."""
    limits = Limits(multiplier_bits=bits)
    for seed in range(30):
        for layer in random_network(seed, limits=limits):
            second = getattr(layer, "residual_multiplier", None)
            second = np.array([layer.multiplier_b]) if isinstance(layer, Add) else second
            if second is not None:
                assert second.max() < 1 << 31
            if hasattr(layer, "requantization"):
                multiplier = layer.requantization.multiplier
                assert multiplier.max() < 1 << bits
                if second is None:
                    assert multiplier.min() >= 1 << (bits - 1)


def test_limits_are_kept() -> None:
    limits = Limits(
        channels=(2, 5), kernel=3, stride=1, dilation=1, bits=(8, 8), roundings=(Rounding.FLOOR,)
    )
    for seed in range(40):
        for layer in random_network(seed, limits=limits):
            assert layer.output.bits == 8
            if hasattr(layer, "requantization"):
                assert layer.requantization.rounding is Rounding.FLOOR
            if isinstance(layer, Conv2d):
                assert layer.shape[0] <= 5
                assert max(layer.weight.shape[2:]) <= 3
                assert (layer.stride, layer.dilation) == ((1, 1), (1, 1))
            if isinstance(layer, MaxPool2d):
                assert max(layer.kernel) <= 3


def test_kinds_can_be_chosen() -> None:
    only = Limits(kinds=("max_pool",))
    found = {type(layer).__name__ for seed in range(20) for layer in random_network(seed, 2, only)}
    assert "Conv2d" not in found
