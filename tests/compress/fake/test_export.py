"""FakeQuantize inside exported and compiled programs."""

import io

import numpy as np
import pytest
import torch
from tests.compress.fake import names
from torch import Tensor, nn

from bitwright.compress.fake import FakeQuantize

MODES = pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])


class Layer(nn.Module):
    """A linear layer with quantized weights and outputs."""

    def __init__(self, weights: FakeQuantize, outputs: FakeQuantize) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.linear = nn.Linear(40, 9)
        self.weights = weights
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weights(self.linear.weight).to(x.dtype)
        return self.outputs(nn.functional.linear(x, weight, self.linear.bias))


def check_exported(layer: Layer, strict: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 40, generator=generator)
    layer(x)  # sets what is learned
    layer.eval()
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: batch},), strict=strict)
    saved = io.BytesIO()
    torch.export.save(program, saved)
    saved.seek(0)
    again = torch.export.load(saved).module()
    for rows in (6, 23):
        x = torch.randn(rows, 40, generator=generator)
        with torch.no_grad():
            expected, found = layer(x), again(x)
        assert np.array_equal(names.bits_of(found.numpy()), names.bits_of(expected.numpy()))


EXPORTED = [
    "int8", "uint4", "fix8.7", "fix32.8", "e4m3", "e3m0", "fp8_e4m3", "dmf_e4m3", "bfp8_b16",
    "bm_e8m2_b16", "bl8_b16", "pow4", "mxfp4_e2m1", "mxint8", "nvfp4", "binary", "ternary",
    "codebook16",
]  # fmt: skip
STRICT = ["int8", "e4m3", "pow4", "mxint8", "nvfp4", "ternary", "codebook16"]
"""One of each twin: strict export traces the Python of every class on the way."""


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_program_gives_the_same_bits(name: str) -> None:
    check_exported(Layer(FakeQuantize(name), FakeQuantize(name)), strict=False)


@pytest.mark.parametrize("name", STRICT)
def test_strictly_exported_program_gives_the_same_bits(name: str) -> None:
    check_exported(Layer(FakeQuantize(name), FakeQuantize(name)), strict=True)


@MODES
def test_given_scales_are_exported(strict: bool) -> None:
    weights = FakeQuantize("int8", channel_axis=0, scale=np.linspace(0.001, 0.01, 9))
    check_exported(Layer(weights, FakeQuantize("uint8", scale=0.05, zero_point=120)), strict)


@MODES
@pytest.mark.parametrize("name", ["int4", "codebook4"])
def test_learned_parameters_are_exported(name: str, strict: bool) -> None:
    check_exported(Layer(FakeQuantize(name, learned=True), FakeQuantize("int8")), strict)


@MODES
def test_observed_ranges_and_channels_are_exported(strict: bool) -> None:
    weights = FakeQuantize("int8", channel_axis=0, channels=9, learned=True)
    check_exported(Layer(weights, FakeQuantize("uint8", observer="average")), strict)


@MODES
def test_export_before_the_first_tensor_is_refused(strict: bool) -> None:
    layer = Layer(FakeQuantize("int4", learned=True), FakeQuantize("int8"))
    with pytest.raises(Exception, match="run the module once, then export"):
        torch.export.export(layer, (torch.ones(2, 40),), strict=strict)


@MODES
def test_export_before_any_range_is_refused(strict: bool) -> None:
    layer = Layer(FakeQuantize("int4"), FakeQuantize("int8", observer="minmax").eval())
    with pytest.raises(Exception, match="no range has been observed yet"):
        torch.export.export(layer, (torch.ones(2, 40),), strict=strict)


# torch itself instantiates the autograd function, which it warns of, when it traces one.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_gradients_in_a_compiled_module_are_those_of_the_module() -> None:
    layer = Layer(FakeQuantize("int4", scale=0.02, learned=True), FakeQuantize("bfp8_b16"))
    x = torch.randn(6, 40, generator=torch.Generator().manual_seed(2))
    gradients = []
    for run in (layer, torch.compile(layer, backend="eager")):
        layer.zero_grad()
        run(x).square().sum().backward()
        gradients.append([p.grad.clone() for p in layer.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    assert all(g.abs().sum() > 0 for g in gradients[0])
