"""Gradients as defined: straight through inside the clipping range, and of what is learned."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.compress.fake import names
from torch import Tensor

from bitwright.arith import parse
from bitwright.compress.fake import FakeQuantize

BLOCK_END = float(np.finfo(np.float32).max)
ENDS: list[tuple[str, dict[str, Any], float, bool, float, bool]] = [
    # name, options, low end, is it inside, high end, is it inside: a tie is where it goes to the
    # end's quotient, before the zero point is added
    ("int8", {"scale": 1.0}, -128.5, True, 127.5, False),
    ("int8", {"scale": 1.0, "narrow": True}, -127.5, False, 127.5, False),
    ("int4", {"scale": 0.5, "zero_point": 2}, -5.25, True, 2.75, False),
    ("uint8", {"scale": 2.0, "zero_point": 3}, -7.0, False, 505.0, True),
    ("fix8.7", {}, -1.00390625, True, 0.99609375, False),
    ("ufix8.0", {}, -0.5, True, 255.5, False),
    ("e4m3", {}, -496.0, False, 496.0, False),
    ("e3m0", {}, -24.0, False, 24.0, False),
    ("fp8_e4m3", {}, -464.0, True, 464.0, True),
    ("fp8_e5m2", {}, -61440.0, False, 61440.0, False),
    ("dmf_e4m3", {}, -240.0, False, 240.0, False),
    ("pow4", {"scale": 4.0}, -6.0, False, 6.0, False),
    ("binary", {}, -1.0, True, 1.0, True),
    ("binary", {"scale": 3.0}, -1.0, True, 1.0, True),
    ("ternary", {}, -1.0, True, 1.0, True),
    ("codebook2", {"centroids": [1.27, -0.5]}, -0.5, True, 1.27, True),
    *((name, {}, -BLOCK_END, True, BLOCK_END, True) for name in names.BLOCKS),
]


def gradient(module: FakeQuantize, x: Tensor, upstream: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    module(x).backward(upstream)
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize(
    ("name", "options", "low", "low_inside", "high", "high_inside"),
    ENDS,
    ids=[f"{case[0]}-{case[1]}" for case in ENDS],
)
def test_gradient_passes_up_to_the_ends_of_the_range(
    name: str,
    options: dict[str, Any],
    low: float,
    low_inside: bool,
    high: float,
    high_inside: bool,
) -> None:
    ends = np.float32([low, high])
    if name.startswith("codebook"):
        ends = parse(name).quantize(ends, **options)  # centroids are rounded to their format
    inside = np.nextafter(ends, np.float32(0))
    with np.errstate(over="ignore"):
        outside = np.nextafter(ends, np.float32([-np.inf, np.inf]))
    infinite = np.float32([-np.inf, np.inf])
    x = torch.from_numpy(np.concatenate([ends, inside, outside, infinite, [0]]).astype(np.float32))
    found = gradient(FakeQuantize(name, **options), x, torch.full_like(x, 3.0))
    expected = [low_inside, high_inside, True, True, False, False, False, False, True]
    assert found.tolist() == [3.0 * passes for passes in expected]


@pytest.mark.parametrize("name", names.UNSHARED)
def test_gradient_is_zero_just_where_the_value_saturates(name: str) -> None:
    x = torch.from_numpy(names.sweep())
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    found = gradient(FakeQuantize(name), x, upstream)
    passes = found == upstream
    assert torch.equal(found, torch.where(passes, upstream, 0))
    fmt = parse(name)
    values = fmt.quantize(x.numpy())
    ends = np.isin(values, [fmt.min, fmt.max])
    assert passes[torch.from_numpy(~ends)].all()
    beyond = (x.double() > fmt.max * 2 + 1e-30) | (x.double() < fmt.min * 2 - fmt.min_step)
    assert not passes[beyond].any()
    assert passes[(x.double() >= fmt.min) & (x.double() <= fmt.max)].all()


@pytest.mark.parametrize("name", names.EVERY)
def test_gradient_of_usual_numbers_is_the_upstream_one(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(4, 50, generator=generator) * 0.8
    upstream = torch.randn(x.shape, generator=generator)
    found = gradient(FakeQuantize(name), x, upstream)
    fmt = parse(name)
    inside = torch.full(x.shape, True)
    if name in names.UNSHARED:
        inside = (x >= fmt.min) & (x <= fmt.max)
    elif name in names.CODEBOOKS:  # the outermost centroids, in their format, may lie further in
        values = fmt.quantize(x.numpy())
        inside = (x >= float(values.min())) & (x <= float(values.max()))
    assert torch.equal(found[inside], upstream[inside])


def test_gradient_of_float64_values_has_the_type_of_the_input() -> None:
    x = torch.ones(3, requires_grad=True)
    y = FakeQuantize("fix32.8")(x)
    assert y.dtype == torch.float64
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32


def test_nothing_is_recorded_without_gradients() -> None:
    module = FakeQuantize("int8", learned=True)
    with torch.no_grad():
        assert module(torch.ones(3)).grad_fn is None
    assert FakeQuantize("int8")(torch.ones(3)).grad_fn is None


def lsq(x: Tensor, scale: Tensor, zero_point: Tensor | int, low: int, high: int) -> Tensor:
    """Esser et al., equations 1 to 3, as autograd differentiates them (in float64)."""
    v = x / scale
    rounded = v + (v.round() - v).detach()
    code = v.detach().round() + zero_point
    inside = (code >= low) & (code <= high)
    ends = (torch.where(code < low, low, high) - zero_point).double()
    return torch.where(inside, rounded, ends) * scale


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize(
    ("name", "zero_point", "narrow"),
    [("int8", None, None), ("int4", 3, None), ("int2", None, True), ("uint4", 5, None)],
)
def test_learned_step_has_the_gradient_of_lsq(
    name: str, zero_point: int | None, narrow: bool | None, per_channel: bool
) -> None:
    fmt = parse(name)
    x = torch.randn(6, 4, 50, generator=torch.Generator().manual_seed(3)) * 3
    scale = np.float32([0.05, 0.3, 1.0, 2.5]) if per_channel else np.float32(0.3)
    offset = None if zero_point is None else np.full(scale.shape, zero_point)
    module = FakeQuantize(
        name,
        channel_axis=1 if per_channel else None,
        scale=scale,
        zero_point=offset,
        narrow=narrow,
        learned=True,
    )
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(4))
    found_x = gradient(module, x, upstream)
    exact_x = x.double().requires_grad_()
    exact_scale = torch.tensor(scale).double().requires_grad_()
    column = exact_scale[:, None] if per_channel else exact_scale
    low = fmt.code_low + bool(narrow)
    lsq(exact_x, column, zero_point or 0, low, fmt.code_high).backward(upstream.double())
    assert exact_x.grad is not None
    assert exact_scale.grad is not None
    assert torch.equal(found_x.double(), exact_x.grad.float().double())
    count = x.numel() / scale.size
    expected = exact_scale.grad / (count * fmt.code_high) ** 0.5
    torch.testing.assert_close(module.scale.grad.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["int4", "pow4", "binary"])
def test_gradient_of_the_scale_is_the_slope_where_all_saturates(name: str) -> None:
    x = torch.tensor([50.0, -60.0, 70.0])
    module = FakeQuantize(name, scale=1.0, learned=True)
    upstream = torch.tensor([1.0, 10.0, 100.0])
    module(x).backward(upstream)
    fmt = parse(name)
    # A power of two of the scale leaves every rounding alone: an exact finite difference.
    values = [np.float64(fmt.quantize(x.numpy(), scale=s)) for s in (0.5, 2.0)]
    slope = (values[1] - values[0]) / 1.5
    expected = (slope * upstream.numpy()).sum() / (x.numel() * fmt.element.max) ** 0.5
    assert module.scale.grad.item() == pytest.approx(expected, rel=1e-6)


def test_gradient_of_a_power_of_two_scale_is_that_of_lsq() -> None:
    x = torch.tensor([0.3, 0.7, -0.9, 5.0])  # values 0.5, 0.5, -1 and, saturated, 2
    module = FakeQuantize("pow3", scale=2.0, learned=True)
    module(x).sum().backward()
    slopes = [0.5 / 2 - 0.3 / 2, 0.5 / 2 - 0.7 / 2, -1 / 2 + 0.9 / 2, 1.0]
    assert module(x).tolist() == [0.5, 0.5, -1.0, 2.0]
    assert module.scale.grad.item() == pytest.approx(sum(slopes) / 4**0.5, rel=1e-6)


@pytest.mark.parametrize("name", ["binary", "ternary"])
def test_gradient_of_a_low_bit_scale_is_the_element(name: str) -> None:
    x = torch.randn(3, 40, generator=torch.Generator().manual_seed(5))
    module = FakeQuantize(name, channel_axis=0, scale=[0.5, 1.0, 2.0], learned=True)
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(6))
    module(x).backward(upstream)
    elements = torch.from_numpy(parse(name).quantize(x.numpy(), channel_axis=0))
    expected = (elements * upstream).sum(1) / 40**0.5
    torch.testing.assert_close(module.scale.grad, expected)


@pytest.mark.parametrize(
    "centroids", [[0.9, -0.4, 0.1, -1.27], [0.5, 0.5, -1.27, 0.5]], ids=["distinct", "equal"]
)
def test_gradient_of_a_centroid_is_the_sum_over_its_numbers(centroids: list[float]) -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(7))
    module = FakeQuantize("codebook4", centroids=centroids, learned=True)
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(8))
    module(x).backward(upstream)
    codes = parse("codebook4").encode(x.numpy(), centroids=centroids).codes
    sums = np.bincount(codes, weights=upstream.numpy(), minlength=4)
    order = np.argsort(centroids, kind="stable")
    expected = np.zeros(4)
    expected[order] = sums
    np.testing.assert_allclose(module.centroids.grad.numpy(), expected, rtol=1e-5, atol=1e-5)
