from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.support.machines import SMALL
from tests.support.networks import random_network

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import zoo

    return zoo


def test_figures_are_those_of_a_run(script: ModuleType) -> None:
    network = random_network(3)
    figures = script.measure("three", network, SMALL, 2)
    assert figures.inputs == 2
    assert figures.outputs_compared == 2 * sum(np.prod(layer.shape) for layer in network)
    assert (figures.differing, figures.cycles_off) == (0, 0)
    assert figures.exact
    assert figures.utilisation == pytest.approx(figures.macs / (16 * figures.cycles))
    assert 0 < figures.utilisation_run < figures.utilisation < 1


def test_prediction_alone_compares_nothing(script: ModuleType) -> None:
    figures = script.measure("three", random_network(3), SMALL, 0)
    assert (figures.inputs, figures.outputs_compared) == (0, 0)
    assert not replace(figures, differing=1).exact
    assert not replace(figures, cycles_off=1).exact


def test_textbook_array_is_the_model_of_the_field(script: ModuleType) -> None:
    # Of 8 x 8 and 16 x 16: known utilisations of ResNet-8 by the closed form.
    found = script.zoo(["resnet8"], run=False)
    assert [(each.array, each.batch) for each in found] == [
        ("8x8", 1),
        ("8x8", 8),
        ("16x16", 1),
        ("16x16", 16),
    ]
    assert [round(each.textbook, 3) for each in found] == [0.868, 0.868, 0.758, 0.758]
    assert all(each.utilisation > each.textbook for each in found)
