import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bitwright.arith import parse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import formats_speed

    return formats_speed


def test_every_format_is_measured(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--rows", "8", "--columns", "64", "--json", str(tmp_path / "a.json")]) == 0
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert [result["format"] for result in results] == list(script.FORMATS)
    assert all(result["ours"] > 0 for result in results)
    printed = capsys.readouterr().out
    assert all(name in printed for name in script.FORMATS)


def test_a_peer_is_a_ratio(script: ModuleType, tmp_path: Path) -> None:
    script.main(["int8", "--rows", "8", "--columns", "64", "--json", str(tmp_path / "a.json")])
    (result,) = json.loads((tmp_path / "a.json").read_text())["results"]
    (peer,) = result["peers"]
    assert peer["ratio"] == pytest.approx(result["ours"] / peer["speed"])
    assert peer["name"] == "torch.fake_quantize_per_channel_affine"


def test_peers_compute_what_ours_does(script: ModuleType) -> None:
    # But for numbers beside ties and powers of two, of which these data have none.
    x = script.sample(16, 96)
    for name, peers in script.PEERS.items():
        ours = parse(name).quantize(x, **script.FORMATS[name])
        for peer in peers:
            assert np.array_equal(np.asarray(peer.prepare(x)()), ours), (name, peer.name)


def test_differing_values_of_a_peer_are_counted(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = script.PEERS["int8"][0].__class__("zeros", "numpy", lambda x: lambda: 0 * x)
    monkeypatch.setattr(script, "PEERS", {"int8": (zeros,)})
    x = script.sample(4, 16)
    (peer,) = script.measure("int8", x).peers
    assert peer.differing == np.count_nonzero(parse("int8").quantize(x, channel_axis=0))


def test_every_format_has_a_name_that_parses(script: ModuleType) -> None:
    assert {str(parse(name)) for name in script.FORMATS} == set(script.FORMATS)
    assert set(script.PEERS) <= set(script.FORMATS)
