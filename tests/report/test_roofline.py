"""Layers under the roofs of array, depthwise engine and stream."""

from dataclasses import replace

import pytest
from tests.support.networks import Limits, random_network

from bitwright.compiler import Program, compile, predict
from bitwright.isa import Architecture
from bitwright.report.roofline import points, roofline_figure, roofs

ARCHITECTURE = Architecture(rows=4, columns=4, line_words=16, weight_words=4096)
STREAMING = replace(ARCHITECTURE, weight_words=256, parameter_records=64)
LIMITS = Limits(kinds=("conv", "window"), blocks=(3, 5), roundings=Limits().roundings[:1])


def program(architecture: Architecture, seed: int = 5) -> Program:
    return compile(random_network(seed, limits=LIMITS), architecture)


@pytest.mark.parametrize("architecture", [ARCHITECTURE, STREAMING], ids=["resident", "streaming"])
def test_bytes_are_those_that_are_streamed(architecture: Architecture) -> None:
    made = program(architecture)
    streamed = made.body if len(made.body) else made.prologue
    macs = made.network.macs()
    found = sum(macs[point.name] / point.intensity for point in points(made))
    # Layers without products have parameters too.
    assert streamed.size * 0.95 < found <= streamed.size


def test_no_layer_is_above_its_roof() -> None:
    for seed in range(5):
        limits = roofs(ARCHITECTURE)
        for point in points(program(ARCHITECTURE, seed)):
            name = "depthwise engine" if point.kind == "depthwise" else "array"
            assert 0 < point.rate <= limits[name]


def test_waits_for_the_stream_are_counted() -> None:
    made = program(STREAMING)
    prediction = predict(made)
    assert prediction.stalls == prediction.waits.sum() > 0
    macs = made.network.macs()
    cycles = sum(macs[point.name] / point.rate for point in points(made))
    own = {plan.name: plan.instructions for plan in made.layers}
    chosen = [n for point in points(made) for n in own[point.name]]
    assert cycles == pytest.approx(sum(prediction.cycles[0, chosen] + prediction.waits[0, chosen]))


def test_figure_has_the_roofs_and_is_reproducible() -> None:
    found = points(program(ARCHITECTURE))
    drawn = roofline_figure(found, ARCHITECTURE)
    assert "array: 16 products per cycle" in drawn
    assert "weights stream: 4 bytes per cycle" in drawn
    assert drawn == roofline_figure(found, ARCHITECTURE)
