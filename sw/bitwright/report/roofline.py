"""How many products a layer makes per streamed byte and per cycle, under what the machine could do.

A layer's bytes are those of its weights and parameters. Where they are resident, nothing is
streamed for an image, and its place on the axis is where streaming would bind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bitwright.compiler import Program, predict, summarize
from bitwright.compiler.work import execute_bytes
from bitwright.isa import Architecture, timing
from bitwright.network import BinaryConv2d, BinaryLinear, Concat, Flatten, Layer
from bitwright.report.palette import LIGHT
from bitwright.report.plot import as_svg, drawing

_MARKERS = (("array", "blue", "o"), ("binary", "green", "s"), ("depthwise", "orange", "D"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A layer on the plot."""

    name: str
    kind: str
    """``array``, ``binary`` or ``depthwise``."""
    intensity: float
    """Multiply-accumulates per byte of weights and parameters."""
    rate: float
    """Multiply-accumulates per cycle, waits for the stream included."""


def points(program: Program) -> tuple[Point, ...]:
    """Every layer with multiply-accumulates, as the model predicts the first image."""
    prediction, decoded = predict(program), program.decoded()
    found = []
    for layer, plan, summary in zip(
        program.network, program.layers, summarize(program), strict=True
    ):
        if not summary.macs or isinstance(layer, Flatten | Concat):
            continue
        size = sum(execute_bytes(decoded[n], program.architecture) for n in plan.instructions)
        waits = sum(int(prediction.waits[0, n]) for n in plan.instructions)
        found.append(
            Point(
                name=layer.name,
                kind=_kind(layer),
                intensity=summary.macs / size,
                rate=summary.macs / (summary.cycles_model + waits),
            )
        )
    return tuple(found)


def _kind(layer: Layer) -> str:
    if isinstance(layer, BinaryConv2d | BinaryLinear):
        return "binary"
    return "depthwise" if getattr(layer, "groups", 1) > 1 else "array"


def roofs(architecture: Architecture) -> dict[str, float]:
    """Products per cycle that the array and the engines can make, and bytes of a stream beat."""
    made = {"array": float(architecture.rows * architecture.columns)}
    if architecture.line_words:
        made["depthwise engine"] = float(timing.DEPTHWISE_TAPS * architecture.lanes)
    if architecture.xnor:
        made["XNOR engine"] = float(architecture.rows * 8 * architecture.lanes)
    return made | {"stream": float(architecture.lanes)}


def roofline_figure(found: Sequence[Point], architecture: Architecture) -> str:
    """The layers under the roofs, on logarithmic axes, as SVG."""
    limits = roofs(architecture)
    peak, width = limits["array"], limits["stream"]
    intensities = [point.intensity for point in found]
    left = min([*intensities, peak / width]) / 2
    right = max([*intensities, peak / width]) * 2
    with drawing(3.6) as figure:
        axis = figure.subplots()
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.plot(
            [left, peak / width, right],
            [left * width, peak, peak],
            color=LIGHT["ink"],
            linewidth=1.4,
        )
        axis.annotate(
            f"array: {peak:.0f} products per cycle",
            (right, peak),
            xytext=(0, 9),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=LIGHT["ink"],
        )
        axis.annotate(
            f"weights stream: {width:.0f} bytes per cycle",
            (left, left * width),
            xytext=(16, 0),
            textcoords="offset points",
            color=LIGHT["ink"],
        )
        engines = [limits[name] for name in ("depthwise engine", "XNOR engine") if name in limits]
        for engine in engines:
            axis.axhline(engine, color=LIGHT["muted"], linewidth=0.9, linestyle=":")
        for kind, hue, marker in _MARKERS:
            chosen = [point for point in found if point.kind == kind]
            if chosen:
                axis.scatter(
                    [point.intensity for point in chosen],
                    [point.rate for point in chosen],
                    s=26,
                    marker=marker,
                    color=LIGHT[hue],
                    label="on the array" if kind == "array" else kind,
                    zorder=3,
                )
        lowest = min([point.rate for point in found] + [left * width])
        axis.set_xlim(left, right)
        axis.set_ylim(lowest / 1.5, 2.4 * max([peak, *engines]))
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter("{x:g}")
        axis.grid(True, which="major", axis="both")
        axis.set_xlabel("multiply-accumulates per byte of weights and parameters")
        axis.set_ylabel("multiply-accumulates per cycle")
        axis.legend(loc="lower right")
        return as_svg(figure, "roofline")
