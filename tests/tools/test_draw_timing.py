"""The timing diagrams in docs/ are what the RTL does today."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import pytest
from tests.support.scripts import load_script

from bitwright.isa import timing

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
NAMES = ("tile", "xnor", "registers", "load", "run", "tokens")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_script("tools/draw_timing.py")


@pytest.fixture(scope="module")
def drawn(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    tool.draw(folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_committed_picture_is_the_simulations(name: str, drawn: Path) -> None:
    file = f"timing-{name}.svg"
    committed = (IMAGES / file).read_text()
    assert (drawn / file).read_text() == committed, "run python -m tools.draw_timing"
    assert ElementTree.fromstring(committed).tag == "{http://www.w3.org/2000/svg}svg"
    assert len(committed) < 60_000


def test_every_committed_picture_is_drawn(drawn: Path) -> None:
    committed = {path.name for path in IMAGES.glob("timing-*.svg")}
    assert committed == {path.name for path in drawn.iterdir()}


def test_latency_that_is_not_the_constant_is_not_drawn(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SimpleNamespace(**vars(timing) | {"READ_LATENCY": timing.READ_LATENCY + 1})
    monkeypatch.setattr(tool, "timing", wrong)
    with pytest.raises(ValueError, match=r"READ_LATENCY is \d in isa.timing, but \d"):
        tool.tile()
