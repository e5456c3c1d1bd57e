"""Verilog and C++ to a shared library: built by Verilator once, cached by content.

The cache is ``$BITWRIGHT_BUILD/verilated`` or ``~/.cache/bitwright/verilated``; an entry is a
folder named by the hash of everything that can change the result: sources, flags, the versions of
Verilator and of the compiler, and what ``-march=native`` means on this machine. An entry appears by
renaming a finished folder, under a lock, so that concurrent builders build the same thing once.

What the C++ sees: the class is always ``Vtop`` (``#include "Vtop.h"``), whatever the top module is
called. ``Vtop_ports.h`` lists the ports as an X-macro. A failed assertion or ``$fatal`` throws
``bitwright::SimulationFailure`` (``bitwright_runtime.h``) instead of ending the process; a C++
function called from Python must catch it, and not evaluate that model again. The run-time's current
context is per thread: a library with several models calls ``Verilated::threadContextp(context)``.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from bitwright.sim import cpp, toolchain
from bitwright.sim.ports import write_ports
from bitwright.sim.toolchain import BuildError, ToolError

Sources: TypeAlias = str | Mapping[str, str] | Sequence[Path]
"""One text, texts by file name, or files."""

LIBRARY = "libVtop.so"
_REVISION = 2  # of what this module makes from the same inputs; part of every hash
_VERILOG = (".v", ".sv", ".vlt")
_CPP = (".cpp", ".cc")
# Verilator by itself takes 50 s on a 16x16 array whose functions it may not split, and 3 s so; the
# model is as fast.
_SPLIT = ("--output-split", "10000", "--output-split-cfuncs", "1000")
_RUNTIME = ("bitwright_runtime.h", "bitwright_runtime.cpp")
_SIGNED = "bitwright_signed.h"
_GLOBAL_CLASSES = re.compile(r"^\s+(verilated\w*) \\$", re.MULTILINE)

_HOOKS = (
    "-DVL_USER_STOP -DVL_USER_FATAL -DVL_USER_FINISH -DVL_PRINTF=bitwright_printf "
    "-include bitwright_runtime.h"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything a build depends on, apart from the tools."""

    verilog: tuple[tuple[str, str], ...]
    top: str
    cpp: tuple[tuple[str, str], ...]
    verilator_flags: tuple[str, ...]
    make_variables: tuple[str, ...]
    compiler_flags: tuple[str, ...]
    linker_flags: tuple[str, ...]
    output: str

    def digest(self) -> str:
        """Hash of the recipe and of the tools that will follow it; names the cache entry."""
        identity = {
            "revision": _REVISION,
            "recipe": asdict(self),
            "runtime": [cpp.source(name) for name in (*_RUNTIME, _SIGNED)],
            "verilator": toolchain.verilator_version(),
            "compiler": toolchain.compiler_identity(),
        }
        return _hash(identity)


def build_library(
    verilog: Sources,
    top: str,
    *,
    cpp_sources: Sources = (),
    parameters: Mapping[str, int | str] | None = None,
    defines: Mapping[str, int | str] | None = None,
    trace: bool = False,
    assertions: bool = True,
    optimize: int = 2,
    verilator_flags: Sequence[str] = (),
    jobs: int = 2,
) -> Path:
    """The shared library of a Verilated module and the C++ around it, built if not in the cache.

    Args:
        verilog: the text of the design, or texts by file name (``.v``, ``.sv``, ``.vlt``; any other
            suffix is only laid beside them, for ``include``), or files.
        top: the top module.
        cpp_sources: C++ to compile with it (``.cpp``, ``.cc``; other suffixes are headers). Its
            ``extern "C"`` functions are what ctypes can call.
        parameters: of the top module; strings are quoted.
        defines: preprocessor definitions of the Verilog.
        trace: compile VCD tracing in (``VerilatedVcdC``); costs speed only while a trace is open.
        assertions: keep the design's assertions; a failure throws ``bitwright::SimulationFailure``.
        optimize: 0..3, of the C++ compiler. Verilator itself always optimizes.
        verilator_flags: further options of Verilator.
        jobs: compilers at once; not part of the hash.

    Returns:
        The library; beside it lie the sources, the generated C++, ``ports.json`` and ``build.log``.

    Raises:
        BuildError: Verilator or g++ failed; with their whole output.
        ToolError: a tool is missing or too old.
        ValueError: an argument is outside what is listed above.
    """
    if optimize not in range(4):
        raise ValueError(f"optimize is the level of the C++ compiler, 0..3, not {optimize!r}")
    recipe = Recipe(
        verilog=named_texts(verilog, f"{top}.v"),
        top=top,
        cpp=named_texts(cpp_sources, "driver.cpp"),
        verilator_flags=(
            *("--x-assign", "fast", "--x-initial", "fast"),
            "--assert" if assertions else "--no-assert",
            *(["--trace"] if trace else []),
            *definition_flags(parameters, defines),
            *verilator_flags,
        ),
        make_variables=(f"OPT_FAST=-O{optimize}",),
        # -fno-gnu-unique: models in one process must not share the run-time's inline statics.
        # -fno-tree-vectorize: gcc packs scattered bytes into vectors to do one operation on them.
        compiler_flags=("-march=native", "-fPIC", "-fno-gnu-unique", "-fno-tree-vectorize"),
        linker_flags=("-shared", "-Wl,-Bsymbolic"),
        output=LIBRARY,
    )
    return build(recipe, jobs=jobs) / LIBRARY


def build(recipe: Recipe, *, jobs: int = 2) -> Path:
    """The cache entry of a recipe, made if it is not there yet."""
    cache = cache_directory()
    entry = cache / recipe.digest()
    if entry.is_dir():
        return entry
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(entry.with_suffix(".lock")):
        if entry.is_dir():  # another process built it while this one waited
            return entry
        partial = entry.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)  # left by a builder that was killed
        partial.mkdir()
        try:
            _build_in(partial, recipe, jobs)
            partial.rename(entry)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return entry


def cache_directory() -> Path:
    """``$BITWRIGHT_BUILD/verilated``, else ``bitwright/verilated`` in the user's cache.

    Raises:
        ToolError: the path contains a space, which GNU make cannot build in.
    """
    if base := os.environ.get("BITWRIGHT_BUILD"):
        cache = Path(base).absolute() / "verilated"
    else:
        user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(user) / "bitwright" / "verilated"
    if re.search(r"\s", str(cache)):
        raise ToolError(
            f"GNU make cannot build in a path with spaces, found {str(cache)!r}; "
            "set BITWRIGHT_BUILD to a folder without"
        )
    return cache


def named_texts(sources: Sources, name: str) -> tuple[tuple[str, str], ...]:
    """Sources as (file name, text) pairs, a bare text under ``name``."""
    if isinstance(sources, str):
        return ((name, sources),)
    if isinstance(sources, Mapping):
        pairs = [(str(file), text) for file, text in sources.items()]
    else:
        pairs = [(path.name, path.read_text()) for path in map(Path, sources)]
    names = [file for file, _ in pairs]
    for file in names:
        if not re.fullmatch(r"[\w][\w.+-]*", file):
            raise ValueError(f"a source needs a plain file name without folders, not {file!r}")
        if names.count(file) > 1:
            raise ValueError(f"two sources are called {file!r}; file names must differ")
    return tuple(pairs)


def definition_flags(
    parameters: Mapping[str, int | str] | None, defines: Mapping[str, int | str] | None
) -> list[str]:
    """Verilator's options for parameters of the top module and for preprocessor definitions."""
    flags = []
    for name, value in (parameters or {}).items():
        flags.append(f'-G{name}="{value}"' if isinstance(value, str) else f"-G{name}={int(value)}")
    for name, value in (defines or {}).items():
        flags.append(f"-D{name}={value}")
    return flags


def _build_in(folder: Path, recipe: Recipe, jobs: int) -> None:
    """Verilate and compile in ``folder``; paths are relative, so that the result may be renamed."""
    environment = toolchain.verilator_environment()
    root = environment["VERILATOR_ROOT"]
    if re.search(r"\s", root):
        raise ToolError(
            f"Verilator cannot run from a path with spaces, found {root!r}; move the venv"
        )
    make, compiler = toolchain.find_program("make"), toolchain.find_program("g++")
    runtime = _RUNTIME if recipe.output == LIBRARY else ()
    sources = (*recipe.cpp, *((name, cpp.source(name)) for name in runtime))
    for name, text in (*recipe.verilog, *sources, (_SIGNED, cpp.source(_SIGNED))):
        (folder / name).write_text(text)
    began = time.monotonic()
    log = _run(
        "Verilator",
        [
            f"{root}/bin/verilator_bin",
            *("--cc", "--exe", "--prefix", "Vtop", "--top-module", recipe.top, "--Mdir", "."),
            *("-O3", "-Wno-lint", "-Wno-style", "-Wno-fatal", *_SPLIT),
            *("-o", recipe.output, "--compiler-include", _SIGNED, *recipe.verilator_flags),
            *(flag for text in recipe.compiler_flags for flag in ("-CFLAGS", text)),
            *(flag for text in recipe.linker_flags for flag in ("-LDFLAGS", text)),
            *_with_suffix(recipe.verilog, _VERILOG),
            *_with_suffix(sources, _CPP),
        ],
        folder,
        environment,
    )
    verilated = time.monotonic()
    write_ports(folder)
    global_flags = f"-O2 {_HOOKS}" if recipe.output == LIBRARY else "-O2"
    with _shared_runtime(folder, recipe, global_flags):
        log += _run(
            "the C++ build",
            [
                *(str(make), f"-j{jobs}", "-f", "Vtop.mk", f"CXX={compiler}", f"LINK={compiler}"),
                *("AR=ar", f"PYTHON3={sys.executable}", f"OPT_GLOBAL={global_flags}"),
                # How gcc is told of a precompiled header; the wheel knows no compiler.
                *("CFG_CXXFLAGS_PCH_I=-include", "CFG_GCH_IF_CLANG="),
                *recipe.make_variables,
            ],
            folder,
            environment,
        )
    built = time.monotonic()
    log += f"verilated in {verilated - began:.1f} s, compiled in {built - verilated:.1f} s\n"
    (folder / "build.log").write_text(log)
    for left in folder.iterdir():
        if left.suffix in (".o", ".a", ".d", ".gch"):
            left.unlink()


@contextmanager
def _shared_runtime(folder: Path, recipe: Recipe, flags: str) -> Iterator[None]:
    """Lend the build the objects of Verilator's run-time library, or keep those that it makes.

    They depend on the tools and on few flags, not on the design, and take longer to compile than a
    small design does (5 s of 7).
    """
    classes = (folder / "Vtop_classes.mk").read_text()
    settings = re.findall(r"^VM_(?!PARALLEL)\w+ = .*", classes, re.MULTILINE)
    identity = (
        *(toolchain.verilator_version(), toolchain.compiler_identity()),
        *(cpp.source(name) for name in _RUNTIME),
        *(flags, *settings, *recipe.compiler_flags),
    )
    store = folder.parent / f"runtime-{_hash(identity)}"
    names = [*_GLOBAL_CLASSES.findall(classes), "bitwright_runtime"]
    kept = [store / f"{name}.o" for name in names]
    for item in kept:
        if item.is_file():
            shutil.copyfile(item, folder / item.name)  # now newer than its sources
    yield
    store.mkdir(exist_ok=True)
    for item in kept:
        made = folder / item.name
        if made.is_file() and not item.is_file():
            made.rename(item)


def _run(what: str, command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    log = f"$ {' '.join(command)}\n{done.stdout}"
    if done.returncode:
        raise BuildError(f"{what} failed with exit code {done.returncode}\n{log}")
    return log


def _with_suffix(files: Iterable[tuple[str, str]], suffixes: tuple[str, ...]) -> list[str]:
    return [name for name, _ in files if Path(name).suffix in suffixes]


def _hash(identity: object) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system releases it when the process ends, however it ends."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
