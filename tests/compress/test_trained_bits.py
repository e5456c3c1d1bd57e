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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_trained_network_reaches_the_accuracy_of_the_results(row: dict) -> None:
    network = Network.load(MODELS / f"{row['name']}.bw")
    assert 100 * evaluate(network, load("mnist").test) == pytest.approx(row["accuracy"])
    assert row["accuracy"] == row["accuracy_torch"]
    assert row["accuracy"] >= row["published"]


def test_there_are_no_others() -> None:
    assert {path.stem for path in MODELS.glob("*.bw")} == {row["name"] for row in ROWS}


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["name"].endswith("1w1a")], ids=lambda r: r["name"]
)
def test_weights_take_a_bit_each(row: dict) -> None:
    width = row["width"]
    bits = 784 * width + 2 * width * width + 10 * width
    size = (MODELS / f"{row['name']}.bw").stat().st_size
    # Thresholds and biases take 13 bytes a channel, and the header some thousand.
    assert bits / 8 < size < bits / 8 + 3 * 13 * width + 4000
