"""The step `bias_correction`: rounding shifts a layer's mean output; the bias takes it back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from bitwright.compress.lockstep import biases_of, lockstep
from bitwright.compress.simulation import Layer
from bitwright.compress.state import State, with_parameters
from bitwright.compress.step import Context, Fact, Step, require
from bitwright.importers.execute import run_node
from bitwright.importers.graph import Array


def mean_shift(layer: Layer, inputs: list[Tensor], target: Tensor) -> Array:
    """E(target) - E(output before the clamp) of each channel, over images and pixels."""
    plain = replace(layer, low=float("-inf"), high=float("inf"))
    difference = target.double() - run_node(plain, inputs).double()
    axes = [axis for axis in range(difference.ndim) if axis != 1]
    return difference.mean(dim=axes).numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasCorrection(Step):
    """b <- b + E(y) - E(q) per channel: y the float output, q the quantized one, on sample images.

    Source: M. Nagel et al., Data-Free Quantization through Weight Equalization and Bias
    Correction, arXiv:1906.04721, section 4.2 and appendix D (empirical correction).
    """

    name: ClassVar[str] = "bias_correction"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.TRAINED: "fits the float network, and training has moved the weights away from it"
    }

    images: int = 512
    """Of the training split."""

    def __post_init__(self) -> None:
        require(self.images >= 1, "images must be at least 1", self.images)

    def apply(self, state: State, context: Context) -> State:
        """Correct layer after layer."""

        def correct(layer: Layer, inputs: list[Tensor], target: Tensor) -> Layer:
            return replace(layer, bias=layer.bias + mean_shift(layer, inputs, target))

        revised = lockstep(state, context.samples(self.images), correct)
        return replace(state, graph=with_parameters(state.graph, biases=biases_of(revised)))
