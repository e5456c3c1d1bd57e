"""The step `calibrate`: a range, scale and zero point for every tensor."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from bitwright.compress.calibrate import Observer, calibrate
from bitwright.compress.methods.calibration import activation_quantization
from bitwright.compress.sharing import groups, shared_ranges
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, match, require
from bitwright.importers.graph import FloatGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrate(Step):
    """Quantize the activations: run sample images, choose each tensor's range by ``method``.

    Sources: the modules of `methods.calibration`, one for each method.
    """

    name: ClassVar[str] = "calibrate"
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.RANGES})

    method: str = "minmax"
    """minmax, percentile, mse, kl or js."""
    bits: int = 8
    """Of an activation's code, 2 .. 8."""
    edge_bits: int = 8
    """Of the codes of the network's input and output."""
    symmetric: bool = False
    """Zero point 0; otherwise every code is used."""
    images: int = 512
    """Of the training split."""
    percentile: float = 99.99
    """Of the method percentile."""
    tensor_bits: Mapping[str, int] = field(default_factory=dict)
    """Other widths for some tensors, by pattern."""

    def __post_init__(self) -> None:
        methods = [str(observer) for observer in Observer]
        require(self.method in methods, f"method must be one of {', '.join(methods)}", self.method)
        for bits in (self.bits, self.edge_bits, *self.tensor_bits.values()):
            require(bits in range(2, 9), "bits of an activation must lie in 2..8", bits)
        require(self.images >= 1, "images must be at least 1", self.images)
        require(
            50 < self.percentile <= 100,
            "percentile must lie above 50 and up to 100",
            self.percentile,
        )

    def check(self, graph: FloatGraph) -> None:
        """Raise ValueError for a pattern of no tensor."""
        for pattern in self.tensor_bits:
            match(pattern, groups(graph))

    def apply(self, state: State, context: Context) -> State:
        """Give every tensor a scale and zero point; weights stay as they are."""
        standing = groups(state.graph)
        bits = dict.fromkeys(standing, self.bits)
        edges = [
            (state.graph.input.name, self.edge_bits),
            (state.graph.output.name, self.edge_bits),
        ]
        for pattern, wanted in (*edges, *self.tensor_bits.items()):
            # Tensors of one group have one quantization: naming one of them is enough.
            named = {standing[name] for name in match(pattern, standing)}
            bits |= {name: wanted for name, root in standing.items() if root in named}
        samples = context.samples(self.images)
        activations = {}
        for width in sorted(set(bits.values())):
            context.progress(f"{self.method} ranges for {width} bits on {len(samples)} images")
            ranges = calibrate(
                state.graph,
                samples,
                observer=self.method,
                percentile=self.percentile,
                bits=width,
                symmetric=self.symmetric,
            )
            for name, seen in shared_ranges(state.graph, ranges).items():
                if bits[name] == width:
                    activations[name] = activation_quantization(seen, width, self.symmetric)
        ordered = {name: activations[name] for name in standing}
        return replace(state, activations=ordered)
