"""Scales and centroids as parameters: where they start, that they stay valid, that they learn."""

import numpy as np
import pytest
import torch
from tests.compress.fake import names
from torch import Tensor, nn

from bitwright.arith import parse
from bitwright.compress.fake import FakeQuantize


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["int8", "int4", "uint4"])
def test_step_starts_at_twice_the_mean_over_the_root_of_the_greatest_code(name: str) -> None:
    x = normal(5, 30)
    tensor = FakeQuantize(name, learned=True)
    tensor(x)
    root = parse(name).code_high ** 0.5
    assert tensor.scale.item() == pytest.approx(2 * x.abs().mean().item() / root, rel=1e-6)
    channel = FakeQuantize(name, channel_axis=0, channels=5, learned=True)
    channel(x)
    torch.testing.assert_close(channel.scale.detach(), 2 * x.abs().mean(1) / root)


@pytest.mark.parametrize("name", names.WITH_SCALE)
def test_start_is_finite_whatever_the_first_tensor(name: str) -> None:
    for x in ([0.0, 0.0], [1.0, float("inf"), -2.0], []):
        module = FakeQuantize(name, learned=True)
        module(torch.tensor(x))
        assert module.scale.isfinite(), x
        assert module.scale > 0, x


@pytest.mark.parametrize("name", ["pow4", "binary", "ternary"])
def test_other_scales_start_where_the_format_would_put_them(name: str) -> None:
    x = normal(5, 30)
    module = FakeQuantize(name, channel_axis=0, channels=5, learned=True)
    asked = {} if name == "pow4" else {"scale": "channel"}
    expected = parse(name).quantize(x.numpy(), channel_axis=0, **asked)
    assert np.array_equal(module(x).detach().numpy(), expected)


def test_the_first_tensor_alone_sets_the_start() -> None:
    module = FakeQuantize("int4", learned=True)
    module(normal(100))
    before = module.scale.item()
    module(normal(100) * 50)
    assert module.scale.item() == before


@pytest.mark.parametrize("name", names.WITH_SCALE)
def test_learned_scale_gives_what_numpy_gives_for_it(name: str) -> None:
    x = normal(4, 50)
    module = FakeQuantize(name, channel_axis=0, channels=4, learned=True)
    module.initialize(x)
    scale = module.scale.detach().numpy()
    expected = parse(name).quantize(x.numpy(), scale=scale, channel_axis=0)
    assert np.array_equal(module(x).detach().numpy(), expected)


@pytest.mark.parametrize("scale", [-3.0, 0.0, 1e-45, 3e38, float("inf")])
@pytest.mark.parametrize("name", names.WITH_SCALE)
def test_scale_that_left_its_range_counts_as_its_end(name: str, scale: float) -> None:
    module = FakeQuantize(name, learned=True, scale=1.0)
    with torch.no_grad():
        module.scale.fill_(scale)
    x = torch.tensor([-2.0, 0.0, 1.5])
    y = module(x)
    assert y.isfinite().all()
    assert (y * x >= 0).all()
    (y * torch.tensor([-1.0, 0.0, 1.0])).sum().backward()
    if scale <= 0:  # a larger scale gives larger values: the way back
        assert module.scale.grad.item() > 0


def fit(weight: FakeQuantize, steps: int = 300) -> float:
    """Train a linear layer under quantized weights; give the last loss."""
    layer = nn.Linear(16, 8, bias=False)
    with torch.no_grad():
        layer.weight.copy_(normal(8, 16, seed=1))
    inputs = normal(256, 16, seed=2)
    targets = inputs @ (normal(8, 16, seed=1) + 0.3 * normal(8, 16, seed=3)).T
    parameters = [*layer.parameters(), *weight.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(inputs @ weight(layer.weight).T, targets)
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("start", [0.15, 3.0], ids=["too small", "too large"])
def test_learned_step_fits_better_than_the_one_it_starts_from(start: float) -> None:
    fixed = fit(FakeQuantize("int3", scale=start))
    learned = fit(FakeQuantize("int3", scale=start, learned=True))
    assert learned < 0.5 * fixed


def test_learned_centroids_move_to_the_middles_of_their_clusters() -> None:
    x = torch.cat([0.02 * normal(50, seed=i) + c for i, c in enumerate([-1.0, -0.2, 0.3, 1.0])])
    module = FakeQuantize("codebook4", centroids=[-0.5, -0.1, 0.2, 0.5], learned=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.005)
    for _ in range(100):
        optimizer.zero_grad()
        ((module(x) - x) ** 2).sum().backward()
        optimizer.step()
    expected = x.reshape(4, 50).mean(1)
    torch.testing.assert_close(module.centroids.detach(), expected, atol=0.01, rtol=0)
