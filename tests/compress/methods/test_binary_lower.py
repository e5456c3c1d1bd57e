"""Binary networks lowered to integers, against float64 on real data, layer by layer."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bitwright.compress import Training, encode, evaluate, train
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_chain import settle
from bitwright.compress.methods.binary_fold import Settled
from bitwright.compress.methods.binary_layers import (
    SHORTCUT_STEP,
    BiReal,
    LowBitConv2d,
    LowBitLinear,
    Signs,
)
from bitwright.compress.methods.binary_lower import lower_binary
from bitwright.compress.methods.binary_twin import binary_twin
from bitwright.compress.models import Cnv, DigitsConvolutional, DigitsResNet, Tfc
from bitwright.data import load
from bitwright.importers import FloatGraph, import_program
from bitwright.network import Network

TWINS = {
    "binary": {},
    "first and last int8": {"int8": ("features.0", "classifier")},
    "two bits": {"weights": "ternary", "activation_bits": 2},
    "one bit, activations of two": {"activation_bits": 2},
    "shortcuts": {"int8": ("features.0",), "shortcuts": True},
}


def graph_of(model: nn.Module, shape: tuple[int, ...]) -> FloatGraph:
    return import_program(model.eval(), torch.zeros(2, *shape))


@pytest.fixture(scope="module", params=TWINS, ids=lambda name: name.replace(" ", "-"))
def lowered(request: pytest.FixtureRequest) -> tuple[nn.Sequential, Network]:
    """(trained model, its network of integers) on the digits."""
    digits = load("digits")
    torch.manual_seed(3)
    twin = binary_twin(graph_of(DigitsConvolutional(), digits.shape), **TWINS[request.param])
    train(twin, digits, Training(epochs=4, batch_size=32, learning_rate=1e-2, weight_decay=0.0))
    return twin, lower_binary(twin, digits.shape)


def in_float64(module: nn.Module, x: Tensor) -> Tensor:
    """One module, with no code of ours but the formats' of weights."""
    match module:
        case LowBitConv2d():
            weight = module.quantize(module.weight).double()
            return nn.functional.conv2d(x, weight, None, module.stride, module.padding)
        case LowBitLinear():
            return x @ module.quantize(module.weight).double().T
        case Signs():
            each = (-1, *[1] * (x.ndim - 2)) if module.threshold.ndim else ()
            return torch.where(x >= module.threshold.double().reshape(each), 1.0, -1.0).double()
        case FakeQuantize() | BiReal():
            return module(x.float()).double()
        case Settled():
            return module(x).double()
        case _:
            result: Tensor = module.double()(x)
            return result


def test_codes_of_every_layer_are_the_torch_networks(lowered) -> None:
    model, network = lowered
    images = load("digits").test.images
    _, taps = network.run(encode(images, network.input.output), taps=True)
    x, wanted = torch.from_numpy(images).double(), {}
    with torch.no_grad():
        for name, module in settle(model).named_children():
            before, x = x, in_float64(module, x)
            name = name.removesuffix("_result")
            if isinstance(module, BiReal):
                signs = in_float64(module.signs, before)
                branch = in_float64(module.norm, in_float64(module.conv, signs))
                assert torch.equal(
                    x, (before + branch).clamp(-127 * SHORTCUT_STEP, 127 * SHORTCUT_STEP)
                )
                wanted |= {f"{name}_signs": signs.numpy(), f"{name}_conv": branch.numpy()}
            if name in network:
                wanted[name] = x.numpy()
    assert wanted.keys() == taps.keys()
    for name, values in wanted.items():
        output = network[name].output
        codes = (values + 1) / 2 if output.binary else values / output.scale + output.zero_point
        assert np.array_equal(taps[name], np.rint(codes)), name
        assert len(np.unique(taps[name])) > 1, name


def test_integers_label_as_many_images_as_torch(lowered) -> None:
    model, network = lowered
    digits = load("digits")
    settled = evaluate(settle(model), digits.test)
    assert evaluate(network, digits.test) == settled
    assert settled > 0.9
    assert evaluate(model, digits.test) == pytest.approx(settled, abs=0.03)


def test_twin_of_a_fully_connected_network() -> None:
    network = lower_binary(binary_twin(graph_of(Tfc(), (1, 28, 28))), (1, 28, 28))
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == ["Input", *["BinaryLinear"] * 4]
    assert [layer.output.bits for layer in network] == [1, 1, 1, 1, 8]
    assert network.input.shape == (784,)


def test_twin_of_cnv_has_an_int8_first_layer() -> None:
    graph = graph_of(Cnv(), (3, 32, 32))
    network = lower_binary(binary_twin(graph, int8=("features.0",)), (3, 32, 32))
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == [
        *["Input", "Conv2d", "BinaryConv2d", "MaxPool2d"],
        *["BinaryConv2d", "BinaryConv2d", "MaxPool2d"],
        *["BinaryConv2d", "BinaryConv2d", "Flatten"],
        *["BinaryLinear", "BinaryLinear", "BinaryLinear"],
    ]
    assert [layer.shape[0] for layer in network][-3:] == [512, 512, 10]


def test_falling_channels_change_their_weights_signs() -> None:
    chain = nn.Sequential(
        OrderedDict(
            image=Signs(0.5),
            fc=LowBitLinear(9, 4),
            norm=nn.BatchNorm1d(4),
            codes=FakeQuantize("int8", scale=0.5),
        )
    )
    with torch.no_grad():
        chain.norm.weight.copy_(torch.tensor([1.0, -1.0, 2.0, -0.5]))
        chain.fc.weight[:, 0] = 0  # of no sign, yet +1
    network = lower_binary(
        nn.Sequential(
            OrderedDict(
                [("image", chain.image), ("flat", nn.Flatten()), *list(chain.named_children())[1:]]
            )
        ),
        (1, 3, 3),
    )
    assert network["fc"].weight[:, 0].tolist() == [1, 0, 1, 0]
    bits = np.indices((2,) * 9).reshape(9, -1).T.reshape(-1, 1, 3, 3)
    sums = (2 * bits.reshape(-1, 9) - 1) @ chain.fc.quantize(chain.fc.weight).int().numpy().T
    codes = np.floor(sums * [1.0, -1.0, 2.0, -0.5] / (1 + 1e-5) ** 0.5 / 0.5 + 0.5)
    assert np.array_equal(network.run(bits.reshape(-1, 9)), codes)


def test_scaled_weights_need_no_batch_norm() -> None:
    torch.manual_seed(0)
    chain = nn.Sequential(
        OrderedDict(
            image=Signs(0.5),
            flat=nn.Flatten(),
            fc=LowBitLinear(9, 4, scaled=True),
            bits=Signs(0.0, channels=4),
            out=LowBitLinear(4, 2, scaled=True),
            codes=FakeQuantize("int8", scale=2**-8),
        )
    )
    nn.init.normal_(chain.bits.threshold, std=0.2)
    network = lower_binary(chain, (1, 3, 3))
    bits = np.indices((2,) * 9).reshape(9, -1).T.reshape(-1, 1, 3, 3)
    with torch.no_grad():
        wanted = settle(chain)(torch.from_numpy(bits).float()).numpy()
    assert np.array_equal(network.run(bits.reshape(-1, 9)) * 2**-8, wanted)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([Signs(0.25)], "an image becomes bits at 0.5, not at 0.25"),
        ([nn.ReLU()], "a network begins with Signs"),
        (
            [Signs(0.5), BiReal(1)],
            "a shortcut adds int8 codes of step 0.0625, and the layer before",
        ),
        ([Signs(0.5), Signs()], "signs are those of a layer with weights, or of an image's codes"),
        ([Signs(0.5), nn.ReLU()], "no integer layer for a ReLU"),
        ([Signs(0.5), LowBitConv2d(1, 1, 3)], "is followed by Signs or by a FakeQuantize"),
        ([Signs(0.5), LowBitConv2d(1, 1, 3, fmt="int8"), Signs()], "int8 weights take codes of 2"),
        ([Signs(0.5), LowBitConv2d(1, 1, 3, fmt="ternary"), Signs()], "ternary weights take codes"),
        ([Signs(0.5), nn.MaxPool2d(2, padding=1)], "max pooling has no padding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_lower(modules: list[nn.Module], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lower_binary(nn.Sequential(*modules), (1, 8, 8))


def test_twin_of_a_network_with_shortcuts_is_refused() -> None:
    with pytest.raises(ValueError, match="a binary network is a chain of convolutions"):
        binary_twin(graph_of(DigitsResNet(), (1, 8, 8)))


def test_shortcuts_past_no_layer_are_refused() -> None:
    with pytest.raises(ValueError, match="shortcuts pass inner convolutions with as many channels"):
        binary_twin(graph_of(Tfc(), (1, 28, 28)), shortcuts=True)


def test_signs_of_codes_are_the_thresholds() -> None:
    """Each code of an image, at thresholds on, between and beyond the codes."""
    chain = nn.Sequential(
        OrderedDict(
            image=FakeQuantize("uint8", scale=0.25, zero_point=0), bits=Signs(0.0, channels=8)
        )
    )
    with torch.no_grad():
        chain.bits.threshold.copy_(torch.tensor([0.0, 0.25, 0.3, 31.0, 63.75, 64.0, -1.0, 17.13]))
    network = lower_binary(chain, (8, 16, 16))
    image = np.broadcast_to(np.arange(256).reshape(16, 16), (1, 8, 16, 16))
    found = network.run(image - 128)
    wanted = image / 4 >= chain.bits.threshold.detach().double().numpy().reshape(8, 1, 1)
    assert np.array_equal(found, wanted)


def test_pattern_of_int8_layers_that_matches_none() -> None:
    with pytest.raises(ValueError, match="'fc1' matches no layer of features"):
        binary_twin(graph_of(DigitsConvolutional(), (1, 8, 8)), int8=("fc1",))
