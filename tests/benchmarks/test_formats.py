import json
from pathlib import Path
from types import ModuleType

import pytest

from bitwright.arith import parse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The benchmark, made small, with its results in a folder of their own."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import formats

    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(formats.record, "ROOT", tmp_path)
    monkeypatch.setattr(formats, "FORMATS", {"int8": {"channel_axis": 0}, "fix8.7": {}})
    monkeypatch.setattr(formats.test_elements, "UNSHARED", ["e2m1", "fp8_e4m3"])
    monkeypatch.setattr(formats.test_blocks, "BLOCK_FORMATS", ["bfp4_b16"])
    monkeypatch.setattr(
        formats.test_blocks,
        "many_blocks",
        lambda name, seed: formats.sample(10, parse(name).block),  # type: ignore[attr-defined]
    )
    return formats


SMALL = ["--size", "64", "--gemm", "32", "--seeds", "3", "--name", "small"]


def test_it_measures_prints_and_writes(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(SMALL) == 0
    figures = json.loads((tmp_path / "benchmarks/results/small.json").read_text())
    assert figures["measured"]["packages"]["numpy"]
    assert [f["format"] for f in figures["quantize"]["formats"]] == ["int8", "fix8.7"]
    assert figures["gemm"]["equal"]
    assert figures["elements"] | {"seconds": 0} == {
        "formats": 2, "codes": 16 + 256, "differing": [], "seconds": 0,
    }  # fmt: skip
    assert figures["blocks"]["blocks"] == {"bfp4_b16": 30}
    assert figures["blocks"]["elements_compared"] == 480
    assert "benchmarks/results/small.json" in capsys.readouterr().out


def test_a_format_that_is_not_exact_is_named_and_exits_1(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def differ(name: str, x: object) -> None:
        raise AssertionError(name)

    monkeypatch.setattr(script.test_blocks, "check_against_midpoints", differ)
    assert script.main(SMALL) == 1
    figures = json.loads((tmp_path / "benchmarks/results/small.json").read_text())
    assert figures["blocks"]["differing"] == [f"bfp4_b16 {seed}" for seed in (10, 11, 12)]
