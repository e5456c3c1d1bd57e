"""The namespace over three roots, and the contracts that keep its layers apart."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOTS = ("sw", "hw", "sim")

# The copy must be linted and not the checkout that the environment's .pth file points at.
LINT = """
import sys
import tomllib
from itertools import chain
sys.path[:] = [*sys.argv[1:], *(p for p in sys.path if not p.endswith(("/sw", "/hw", "/sim")))]
from importlinter.cli import lint_imports
sys.exit(lint_imports(no_cache=True))
"""


@pytest.mark.parametrize("root", ROOTS)
def test_namespace_has_no_init(root: str) -> None:
    # One would hide the other two roots.
    assert not (ROOT / root / "bitwright" / "__init__.py").exists()


@pytest.mark.parametrize("root", ROOTS)
def test_every_room_is_a_typed_package_with_all_modules_in_it(root: str) -> None:
    inside = [path for path in (ROOT / root / "bitwright").iterdir() if path.name != "__pycache__"]
    assert inside
    for room in inside:
        assert (room / "__init__.py").is_file(), f"{room} is not a package"
        assert (room / "py.typed").is_file(), f"{room} has no py.typed"


def test_wheel_holds_every_file_of_every_room(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("bitwright/")}
    there = {
        path.relative_to(ROOT / root).as_posix()
        for root in ROOTS
        for path in (ROOT / root / "bitwright").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert "bitwright/report/report.html.j2" in packed


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and the contracts, to plant violations in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for root in ROOTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / root, tmp_path / root, ignore=ignored)
    return tmp_path


def lint(folder: Path) -> tuple[int, str]:
    """Run lint-imports there; return its exit code and output."""
    command = [sys.executable, "-c", LINT, *(str(folder / root) for root in ROOTS)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_layers_are_kept(copy: Path) -> None:
    code, printed = lint(copy)
    assert code == 0, printed
    assert " 0 broken" in printed


@pytest.mark.parametrize(
    ("place", "line", "broken"),
    [
        ("sw/bitwright/arith", "import bitwright.isa", "Imports point down"),
        ("sim/bitwright/sim", "import bitwright.synth", "Imports point down"),
        ("hw/bitwright/rtl", "import bitwright.network", "The hardware does not know the network"),
        (
            "sw/bitwright/importers",
            "import bitwright.isa",
            "Compression and import do not know the machine",
        ),
        (
            "sw/bitwright/compiler",
            "import bitwright.importers",
            "Simulation runs without the torch rooms",
        ),
        ("sw/bitwright/report", "import bitwright.sim", "Imports point down"),
        ("sw/bitwright/cli", "import torch", "torch in compress, importers and zoo alone"),
        ("sw/bitwright/compiler", "import amaranth", "amaranth in rtl, synth and sim alone"),
    ],
    ids=lambda value: value.replace("import ", ""),
)
def test_planted_violation_is_reported(copy: Path, place: str, line: str, broken: str) -> None:
    # Inside a function, where a lazy import would hide from a glance at the top of the file.
    (copy / place / "planted.py").write_text(f"def plant() -> None:\n    {line}\n")
    code, printed = lint(copy)
    assert code == 1
    assert f"{broken} BROKEN" in printed
    assert "planted" in printed


def test_room_without_a_place_in_the_layers_is_reported(copy: Path) -> None:
    room = copy / "sw" / "bitwright" / "attic"
    room.mkdir()
    (room / "__init__.py").touch()
    code, printed = lint(copy)
    assert code == 1
    assert "bitwright.attic" in printed


def test_every_dependency_is_pinned_and_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in wanted}  # type: ignore[index]
    pinned = (ROOT / "constraints.txt").read_text().lower().splitlines()
    explained = re.findall(r"[\w-]+", (ROOT / "docs" / "dependencies.md").read_text().lower())
    assert names - {line.partition("==")[0] for line in pinned} == set()
    assert names - set(explained) == set()


def test_torch_is_pinned_without_a_local_tag() -> None:
    # torch==2.13.0+cpu would exclude every platform whose CPU wheel has no tag.
    (pin,) = re.findall(r"^torch==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert re.fullmatch(r"[\d.]+", pin)
