"""The integer network of every operator: its structure, and its values against float."""

import logging
from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bitwright.arith import Rounding
from bitwright.compress import decode, encode, quantize
from bitwright.compress.sharing import separate_input
from bitwright.importers import UnsupportedError, export, import_program
from bitwright.importers import graph as floats
from bitwright.importers.execute import run_node
from bitwright.network import (
    Add,
    Concat,
    Conv2d,
    Flatten,
    MaxPool2d,
    Network,
    NetworkError,
    Requantize,
)


class Function(nn.Module):
    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.modules_ = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.modules_)


def images(channels=3, size=8, count=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, size, size, generator=generator)


def seeded(module):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=generator) / 4)
                if name.endswith("running_var"):
                    value.copy_(value.abs() + 0.1)
    return module.eval()


def conv(inputs=3, outputs=4, kernel=3, **options):
    return nn.Conv2d(inputs, outputs, kernel, **options)


CASES = {
    "conv": lambda: conv(),
    "conv padded strided": lambda: conv(stride=2, padding=(1, 2)),
    "conv dilated same": lambda: conv(kernel=(4, 3), dilation=(1, 2), padding="same"),
    "conv depthwise": lambda: conv(3, 6, groups=3, padding=1),
    "conv relu": lambda: nn.Sequential(conv(), nn.ReLU()),
    "conv relu6": lambda: nn.Sequential(conv(padding=1), nn.ReLU6()),
    "conv hardtanh": lambda: nn.Sequential(conv(), nn.Hardtanh(-0.4, 0.6)),
    "conv norm relu": lambda: nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU()),
    "norm alone": lambda: nn.BatchNorm2d(3),
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 10)),
    "linear relu linear": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(192, 10), nn.ReLU(), nn.Linear(10, 3)
    ),
    "max pool": lambda: nn.MaxPool2d(3, 2, padding=1),
    "max pool relu": lambda: nn.Sequential(nn.MaxPool2d(2), nn.ReLU6()),
    "max pool ceil": lambda: nn.Sequential(conv(), nn.MaxPool2d(4, 3, ceil_mode=True)),
    "average pool": lambda: nn.AvgPool2d((2, 4)),
    "average pool padded": lambda: nn.AvgPool2d(3, 2, padding=1),
    "average pool relu": lambda: nn.Sequential(nn.AvgPool2d(2), nn.ReLU()),
    "global average pool": lambda: nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "relu alone": lambda: nn.ReLU(),
    "fused add": lambda: Function(lambda x, a: a(x) + x, conv(outputs=3, padding=1)),
    "fused add relu": lambda: Function(
        lambda x, a, b: (a(x) + b(x)).relu(), conv(padding=1), conv(kernel=1)
    ),
    "fused add of a small residual": lambda: Function(
        lambda x, a, b: a(x) + b(x).clamp(-0.01, 0.01), conv(padding=1), conv(kernel=1)
    ),
    "plain add": lambda: Function(
        lambda x, a, b: a(x).relu() + b(x).relu(), conv(padding=1), conv(kernel=1)
    ),
    "plain add relu6": lambda: Function(
        lambda x, a: functional.relu6(a(x).relu() + x), conv(outputs=3, padding=1)
    ),
    "add to itself": lambda: Function(lambda x, a: (lambda y: y + y)(a(x)), conv()),
    "add of vectors": lambda: Function(
        lambda x, a: a(x.flatten(1)) + x.mean((2, 3)), nn.Linear(192, 3)
    ),
    "cat": lambda: Function(
        lambda x, a, b: torch.cat([a(x), b(x).relu()], 1), conv(padding=1), conv(kernel=1)
    ),
    "cat with the input": lambda: Function(lambda x, a: torch.cat([a(x), x], 1), conv(padding=1)),
    "cat relu conv": lambda: Function(
        lambda x, a, b: b(torch.cat([a(x), a(x)], 1).relu()), conv(padding=1), conv(8, 2, 1)
    ),
    "cat of pooled": lambda: Function(
        lambda x, a: (lambda y: torch.cat([functional.max_pool2d(y, 3, 1, 1), y], 1))(a(x)),
        conv(padding=1),
    ),
}


def layer_bound(node, source, output):
    """How far an output may lie from float on the same inputs: (N, *shape) or a number.

    Half a step for the one rounding at the end, and a little for the 16-bit multiplier; for
    weights half a step of each, times what it multiplies, and half a step of the bias.
    """
    bound = 0.51 * output.scale
    if isinstance(node, floats.Conv2d | floats.Linear):
        weight = torch.from_numpy(node.weight).abs()
        step = weight.flatten(1).amax(1) / 127 / 2
        ones = torch.ones_like(weight) * step.reshape(-1, *[1] * (weight.ndim - 1))
        x = [torch.from_numpy(source).abs()]
        shape = {"weight": ones.numpy(), "bias": step.numpy(), "low": -np.inf, "high": np.inf}
        first = type(node)(
            **{
                **{f: getattr(node, f) for f in _fields(node)},
                **shape,
                "inputs": node.inputs[:1],
            }
        )
        bound = bound + 1.001 * run_node(first, x).numpy()
    return bound


def _fields(node):
    return [field for kind in type(node).__mro__ for field in getattr(kind, "__slots__", ())]


def assert_layers_follow_float(module, *, symmetric):
    """Each layer's output is float's on the layer's own inputs, within what its steps allow."""
    x = images()
    network = quantize(module, x, symmetric=symmetric)
    _, codes = network.run(encode(x, network.input.output), taps=True)
    values = {layer.name: decode(codes[layer.name], layer.output) for layer in network}
    for node in separate_input(import_program(module, x)).nodes[1:]:
        layer = network[node.name]
        inputs = [values[name] for name in node.inputs]
        wanted = run_node(node, [torch.from_numpy(value) for value in inputs]).numpy()
        low, high = decode([layer.output.low, layer.output.high], layer.output)
        error = np.abs(values[node.name] - np.clip(wanted, low, high))
        assert np.all(error <= layer_bound(node, inputs[0], layer.output)), node.name
    return network


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("case", CASES)
def test_layers_follow_float(case, symmetric):
    assert_layers_follow_float(seeded(CASES[case]()), symmetric=symmetric)


def layers(case, **options):
    return quantize(seeded(CASES[case]()), images(), **options).layers


def test_fused_addition_is_one_layer():
    _, layer = layers("fused add")
    assert isinstance(layer, Conv2d)
    assert layer.inputs == ("x", "x")
    assert layer.residual_multiplier is not None


def test_unfused_addition_is_a_layer_of_its_own():
    assert [type(layer) for layer in layers("plain add")[1:]] == [Conv2d, Conv2d, Add]


def test_concat_parts_share_one_quantization():
    _, first, second, cat = layers("cat", symmetric=False)
    assert isinstance(cat, Concat)
    assert first.output == second.output == cat.output
    # The second part has a ReLU, whose bound is the shared zero point and not the least code.
    assert second.requantization.low == cat.output.zero_point > -128


def test_input_of_a_concat_is_requantized():
    x, _, change, cat = layers("cat with the input")
    assert isinstance(change, Requantize)
    assert change.inputs == (x.name,)
    assert change.output == cat.output != x.output


def test_pooling_and_flatten_keep_the_quantization():
    module = seeded(nn.Sequential(conv(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2)))
    _, first, pool, flat, _ = quantize(module, images(), symmetric=False)
    assert isinstance(pool, MaxPool2d)
    assert isinstance(flat, Flatten)
    assert first.output == pool.output == flat.output


def test_asymmetric_relu_uses_every_code():
    x = images()
    network = quantize(seeded(CASES["conv relu"]()), x, symmetric=False)
    layer = network.output
    assert layer.output.zero_point == -128
    assert (layer.requantization.low, layer.requantization.high) == (-128, 127)
    found = network.run(encode(x, network.input.output))
    assert (found.min(), found.max()) == (-128, 127)


def test_symmetric_relu_clamps_at_zero():
    _, layer = layers("conv relu", symmetric=True)
    assert (layer.output.zero_point, layer.requantization.low) == (0, 0)


def test_relu6_clamps_at_the_code_of_six():
    module = seeded(nn.Sequential(conv(), nn.ReLU6()))
    with torch.no_grad():
        module[0].weight.mul_(8)
    _, layer = quantize(module, images(), symmetric=True)
    assert layer.output.scale == pytest.approx(6 / 127)
    assert (layer.requantization.low, layer.requantization.high) == (0, 127)


def test_linear_after_flatten_reads_channels_first():
    """Each input element has a power of two as its weight: no other order gives these codes."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(8, 1, bias=False)).eval()
    with torch.no_grad():
        module[1].weight.copy_(2.0 ** torch.arange(-7, 1)[None])
    x = torch.zeros(8, 2, 2, 2)
    x.view(8, 8).fill_diagonal_(1.0)
    network = quantize(module, x)
    found = decode(network.run(encode(x, network.input.output)), network.output.output)
    assert np.allclose(found[:, 0], 2.0 ** np.arange(-7, 1), atol=network.output.output.scale)


@pytest.mark.parametrize("symmetric", [True, False])
def test_dead_channel_gives_its_bias(symmetric):
    module = seeded(nn.Sequential(conv(padding=1), nn.BatchNorm2d(4)))
    with torch.no_grad():
        module[1].weight[2] = 0.0
        module[1].bias[2] = 0.7
    network = assert_layers_follow_float(module, symmetric=symmetric)
    codes = network.run(encode(images(), network.input.output))[:, 2]
    assert np.all(np.abs(decode(codes, network.output.output) - 0.7) <= network.output.output.scale)


def test_network_that_is_zero_throughout():
    module = conv()
    nn.init.zeros_(module.weight)
    nn.init.zeros_(module.bias)
    network = quantize(module, torch.zeros(2, 3, 8, 8), symmetric=False)
    assert np.all(network.run(np.full((1, 3, 8, 8), -128)) == -128)


def scalar_convolution(layer, source, x, r, image, index):
    """One output of a fused convolution in Python integers, straight from the definition."""
    channel, row, column = index
    acc = int(layer.bias[channel])
    top, left, _, _ = layer.padding
    _, inputs, height, width = layer.weight.shape
    for i in range(inputs):
        for ky in range(height):
            for kx in range(width):
                y, z = row * layer.stride[0] + ky - top, column * layer.stride[1] + kx - left
                if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]:
                    code = int(x[image, i, y, z]) - source.zero_point
                    acc += code * int(layer.weight[channel, i, ky, kx])
    total = acc * int(layer.requantization.multiplier[channel])
    if r is not None:
        codes, quantization = r
        residual = int(codes[image, channel, row, column]) - quantization.zero_point
        total += residual * int(layer.residual_multiplier[channel])
    scaled = floor(Fraction(total, 2 ** int(layer.requantization.shift[channel])) + Fraction(1, 2))
    code = layer.output.zero_point + scaled
    return min(max(code, layer.requantization.low), layer.requantization.high)


@pytest.mark.parametrize("symmetric", [True, False])
def test_fused_convolution_in_scalar_integers(symmetric):
    module = seeded(
        Function(
            lambda x, a, b: (a(x) + b(x)).relu(),
            conv(padding=1, stride=2),
            conv(stride=2, padding=1),
        )
    )
    x = images(size=6, count=2)
    network = quantize(module, x, symmetric=symmetric)
    _, codes = network.run(encode(x, network.input.output), taps=True)
    layer = network.output
    residual = codes[layer.inputs[1]], network[layer.inputs[1]].output
    found = codes[layer.name]
    for image, *index in np.ndindex(found.shape):
        expected = scalar_convolution(
            layer, network.input.output, codes["x"], residual, image, index
        )
        assert found[image, *index] == expected


def test_integer_parameters_follow_from_the_scales():
    """Weights, bias and both multipliers of a fused convolution, in exact fractions."""
    module = seeded(CASES["fused add"]())
    network = quantize(module, images(), symmetric=False)
    layer, source, output = network.output, network.input.output, network.output.output
    weight = module.modules_[0].weight.detach().double().numpy()
    bias = module.modules_[0].bias.detach().double().numpy()
    for channel in range(3):
        scale = Fraction(float(np.abs(weight[channel]).max())) / 127
        for code, value in zip(layer.weight[channel].flat, weight[channel].flat, strict=True):
            assert abs(Fraction(value) / scale - int(code)) <= Fraction(1, 2) + Fraction(1, 10**9)
        step = scale * Fraction(source.scale)
        error = abs(Fraction(bias[channel]) / step - int(layer.bias[channel]))
        assert error <= Fraction(1, 2) + Fraction(1, 10**6)
        power = 2 ** int(layer.requantization.shift[channel])
        for multiplier, ratio in (
            (layer.requantization.multiplier[channel], step / Fraction(output.scale)),
            (layer.residual_multiplier[channel], Fraction(source.scale) / Fraction(output.scale)),
        ):
            assert abs(int(multiplier) - ratio * power) <= Fraction(1, 2) + Fraction(1, 10**6)
        assert 2**15 <= layer.requantization.multiplier[channel] < 2**16


@pytest.mark.parametrize("factor", [0.01, 100.0], ids=["second greater", "first greater"])
def test_addition_has_all_bits_in_its_greater_multiplier(factor):
    module = seeded(CASES["plain add"]())
    with torch.no_grad():
        module.modules_[0].weight.mul_(factor)
        module.modules_[0].bias.mul_(factor)
    layer = quantize(module, images(), multiplier_bits=12).output
    first = int(layer.requantization.multiplier[0])
    assert (first > layer.multiplier_b) == (factor > 1)
    assert 2**11 <= max(first, layer.multiplier_b) < 2**12


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_fewer_bits_narrow_the_codes(bits):
    network = quantize(
        seeded(CASES["conv relu"]()), images(), weight_bits=bits, activation_bits=bits
    )
    limit = 2 ** (bits - 1)
    assert np.abs(network.output.weight).max() == limit - 1
    assert network.output.weight_bits == bits
    assert network.input.output.bits == network.output.output.bits == bits
    assert network.output.requantization.high == limit - 1


@pytest.mark.parametrize("multiplier_bits", [8, 16, 31])
def test_multipliers_have_the_wanted_width(multiplier_bits):
    multiplier = layers("conv", multiplier_bits=multiplier_bits)[1].requantization.multiplier
    assert np.all(multiplier < 2**multiplier_bits)
    assert np.all(multiplier >= 2 ** (multiplier_bits - 1))


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "half_away", "floor", "trunc"])
def test_rounding_is_handed_on(rounding):
    for case in ("conv", "fused add", "plain add", "average pool"):
        assert layers(case, rounding=rounding)[-1].requantization.rounding is Rounding(rounding)


def test_percentile_narrows_the_ranges():
    x = images()
    x[0, 0, 0, 0] = 100.0
    module = seeded(CASES["conv"]())
    wide = quantize(module, x)
    narrow = quantize(module, x, observer="percentile", percentile=99.0)
    assert narrow.input.output.scale < wide.input.output.scale / 10
    assert narrow.output.output.scale < wide.output.output.scale / 5


def test_activation_before_pooling_keeps_the_range_narrow():
    """Conv, pool, ReLU: what lies below zero does not cost the convolution's output a bit."""
    module = seeded(nn.Sequential(conv(), nn.MaxPool2d(2), nn.ReLU()))
    network = quantize(module, images(), symmetric=False)
    assert network["0"].output.zero_point == -128


@pytest.mark.parametrize("source", ["module", "program", "graph", "path"])
def test_every_source_gives_the_same_network(source, tmp_path):
    module, x = seeded(CASES["conv norm relu"]()), images()
    program = export(module, x)
    if source == "path":
        torch.export.save(program, tmp_path / "model.pt2")
    sources = {
        "module": module,
        "program": program,
        "graph": import_program(program),
        "path": tmp_path / "model.pt2",
    }
    found = quantize(sources[source], x)
    expected = quantize(program, x.numpy())
    assert [layer.weight.tolist() for layer in found.layers[1:]] == [
        layer.weight.tolist() for layer in expected.layers[1:]
    ]
    assert found.layers[0].output == expected.layers[0].output


def test_result_saves_and_loads(tmp_path):
    network = quantize(seeded(CASES["fused add relu"]()), [images()], symmetric=False)
    network.save(tmp_path / "net.bw")
    assert Network.load(tmp_path / "net.bw") == network


def test_last_softmax_is_noted(caplog):
    module = seeded(nn.Sequential(nn.Flatten(), nn.Linear(192, 10), nn.Softmax(1)))
    with caplog.at_level(logging.WARNING, "bitwright.compress"):
        network = quantize(module, images())
    assert "2 (aten.softmax.int) is left to the host" in caplog.text
    assert network.output.name == "1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_bits": 9}, r"weight_bits must lie in 2\.\.8, not 9"),
        ({"activation_bits": 1}, r"activation_bits must lie in 2\.\.8, not 1"),
        ({"multiplier_bits": 32}, r"multiplier_bits must lie in 2\.\.31, not 32"),
        ({"rounding": "tflite"}, "rounding 'tflite' is for networks imported from TFLite"),
        ({"rounding": "up"}, "'up' is not a valid Rounding"),
        ({"observer": "median"}, "'median' is not a valid Observer"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        quantize(seeded(conv()), images(), **options)


def test_no_samples():
    with pytest.raises(ValueError, match="calibration needs at least one input"):
        quantize(conv(), [])


def test_unsupported_operator():
    with pytest.raises(UnsupportedError, match="look-up table"):
        quantize(nn.Sequential(conv(), nn.Sigmoid()), images())


def test_accumulator_that_does_not_fit_names_the_layer():
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 160 * 160, 1)).eval()
    nn.init.ones_(module[1].weight)
    with pytest.raises(NetworkError, match="layer '1': accumulator must fit 32 bits"):
        quantize(module, images(size=160, count=2).abs(), symmetric=False)


def test_scales_too_far_apart_name_the_layer():
    module = Function(
        lambda x, a, b: a(x) + b(x), conv(kernel=1, bias=False), conv(kernel=1, bias=False)
    )
    with torch.no_grad():
        module.modules_[0].weight.fill_(1e10)
        module.modules_[1].weight.fill_(-1e10)
    with pytest.raises(ValueError, match=r"layer 'modules_\.1': a multiplier must stay below"):
        quantize(module, images())
