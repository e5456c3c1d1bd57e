"""The committed networks of bits are what docs/binary.md says of them."""

import json
from pathlib import Path

import pytest

from bitwright.compress import evaluate
from bitwright.data import load
from bitwright.network import Network

ROOT = Path(__file__).parents[2]
ROWS = json.loads((ROOT / "benchmarks/results/binary_train.json").read_text())["networks"]
MODELS = ROOT / "examples/models"


BITS = [row for row in ROWS if row["activation_bits"] == 1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_results_are_better_than_published_and_the_integers_equal_to_torch(row: dict) -> None:
    assert row["accuracy"] >= row["published"]
    assert row["accuracy"] == row["accuracy_torch"]


@pytest.mark.parametrize("row", BITS, ids=lambda row: row["name"])
def test_trained_network_reaches_the_accuracy_of_the_results(row: dict) -> None:
    network = Network.load(MODELS / f"{row['name']}.bw")
    assert 100 * evaluate(network, load("mnist").test) == pytest.approx(row["accuracy"])


def test_there_are_no_others() -> None:
    assert {path.stem for path in MODELS.glob("*.bw")} == {row["name"] for row in BITS}


@pytest.mark.parametrize("row", BITS, ids=lambda row: row["name"])
def test_weights_take_a_bit_each(row: dict) -> None:
    width = row["width"]
    bits = 784 * width + 2 * width * width + 10 * width
    size = (MODELS / f"{row['name']}.bw").stat().st_size
    # Thresholds and biases take 13 bytes a channel, and the header some thousand.
    assert bits / 8 < size < bits / 8 + 3 * 13 * width + 4000
