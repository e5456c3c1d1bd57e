import pytest
import torch
from torch import nn

from bitwright.compress.methods.binary_layers import (
    BiReal,
    LowBitConv2d,
    LowBitLinear,
    Signs,
    compute_latent,
)


def test_signs_are_plus_from_the_threshold_on() -> None:
    x = torch.tensor([[-0.25, 0.25, 0.5, 0.75, -0.0]])
    assert Signs()(x).tolist() == [[-1, 1, 1, 1, 1]]
    assert Signs(0.5)(x).tolist() == [[-1, -1, 1, 1, -1]]


def test_thresholds_are_learned_per_channel() -> None:
    signs = Signs(0.0, channels=2)
    with torch.no_grad():
        signs.threshold.copy_(torch.tensor([0.5, -0.5]))
    x = torch.zeros(3, 2, 4, 4, requires_grad=True)
    y = signs(x)
    assert y[:, 0].eq(-1).all()
    assert y[:, 1].eq(1).all()
    y.sum().backward()
    assert signs.threshold.grad is not None
    assert signs.threshold.grad.tolist() == [-48, -48]


def test_gradient_of_signs_passes_within_one_of_the_threshold() -> None:
    x = torch.tensor([[-1.0, 0.4, 1.4, 1.6]], requires_grad=True)
    Signs(0.5)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 1, 1, 0]]


def test_binary_weights_compute_as_signs() -> None:
    layer = LowBitLinear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, -0.001, 0.0]]))
    assert layer(torch.tensor([[1.0, 10.0, 100.0]])).item() == 1 - 10 + 100


def test_scale_of_a_channel_is_its_mean_magnitude() -> None:
    layer = LowBitLinear(2, 2, scaled=True)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, -0.25], [0.125, 0.125]]))
    assert layer(torch.eye(2)).T.tolist() == [[0.375, -0.375], [0.125, 0.125]]


def test_ternary_weights_have_zeros() -> None:
    layer = LowBitLinear(4, 1, "ternary")
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.9, -0.8, 0.1, 0.0]]))
    assert layer(torch.eye(4)).flatten().tolist() == [1, -1, 0, 0]


def test_latent_weights_are_clipped_in_training_alone() -> None:
    layer = LowBitLinear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -0.5]]))
    layer.eval()(torch.zeros(1, 2))
    assert layer.weight.tolist() == [[3, -0.5]]
    layer.train()(torch.zeros(1, 2))
    assert layer.weight.tolist() == [[1, -0.5]]


def test_first_stage_computes_with_latent_weights() -> None:
    model = nn.Sequential(LowBitLinear(1, 1))
    with torch.no_grad():
        model[0].weight.fill_(0.25)
    one = torch.ones(1, 1)
    compute_latent(model, latent=True)
    assert model(one).item() == 0.25
    compute_latent(model, latent=False)
    assert model(one).item() == 1


def test_padding_contributes_nothing() -> None:
    layer = LowBitConv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        layer.weight.fill_(0.5)
    sums = layer(torch.ones(1, 1, 3, 3))[0, 0]
    assert sums.tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_bfloat16_products_of_signs_are_exact_up_to_512() -> None:
    layer = LowBitLinear(1024, 1024).eval()
    x = torch.randint(0, 2, (64, 1024), generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    exact = layer(x)
    assert exact.abs().max() <= 512
    with torch.autocast("cpu", torch.bfloat16):
        fast = layer(x)
    assert fast.dtype == torch.float32
    assert torch.equal(fast, exact)


def test_shortcut_carries_what_signs_lose() -> None:
    block = BiReal(8, step=0.25).eval()
    nn.init.zeros_(block.norm.weight)
    x = torch.randint(-127, 128, (2, 8, 5, 5), generator=torch.Generator().manual_seed(2)) / 4
    assert torch.equal(block(x), x)
    block = BiReal(8)
    block(x).sum().backward()
    assert block.conv.weight.grad.abs().sum() > 0
    assert block.signs.threshold.grad.abs().sum() > 0


def test_shortcut_keeps_the_images_size() -> None:
    assert BiReal(4, 5)(torch.zeros(1, 4, 3, 6)).shape == (1, 4, 3, 6)
    with pytest.raises(ValueError, match="kernels are odd, not 2"):
        BiReal(4, 2)


def test_other_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="a weight is binary, ternary or int8, not 'int3'"):
        LowBitLinear(2, 2, "int3")
