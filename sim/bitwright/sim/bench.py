"""A cocotb bench on a Verilated design, as one call that a pytest test makes.

The simulator is built and cached by `bitwright.sim.verilate`; cocotb's own runner then runs it in a
process of its own, with its log in a file, so that a passing bench says nothing and neither its
warnings nor its exit reach the test session. Only the ports are visible to the bench unless it asks
for ``internals``: visible signals cannot be optimized away.
"""

import itertools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bitwright.sim import toolchain
from bitwright.sim.toolchain import ToolError
from bitwright.sim.verilate import (
    Recipe,
    Sources,
    build,
    definition_flags,
    named_texts,
)
from bitwright.sim.verilog import simulation_verilog

TAIL = 60
"""Lines of the log that a failure shows."""
_INHERITED = ("PYTEST_CURRENT_TEST", "WAVES", "GUI", "RANDOM_SEED")

# What the process around the simulator does; its argument is the JSON of `Runner.test`'s arguments.
_RUN = """
import json, sys
from cocotb_tools.runner import get_runner
get_runner("verilator").test(hdl_toplevel_lang="verilog", **json.loads(sys.argv[1]))
"""


class BenchError(AssertionError):
    """A cocotb test failed, or the simulation did not end as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What a bench that passed did."""

    tests: tuple[str, ...]
    seed: int
    simulated_ns: float
    seconds: float
    """Of wall time, the build not included."""
    log: str


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    outcome: str
    """passed, failed or skipped"""
    message: str
    simulated_ns: float


def run_bench(
    module: str | Path,
    design: Any,
    top: str = "top",
    *,
    testcase: str | Sequence[str] | None = None,
    seed: int | None = None,
    parameters: Mapping[str, int | str] | None = None,
    defines: Mapping[str, int | str] | None = None,
    environment: Mapping[str, str] | None = None,
    assertions: bool = True,
    internals: bool = False,
    waves: Path | None = None,
    directory: Path | None = None,
    timeout: float = 600,
) -> BenchResult:
    """Run the cocotb tests of a module on a design; one error tells of all that failed.

    Args:
        module: the Python module with the ``@cocotb.test()`` functions, as a name that can be
            imported or as a file (``__file__`` for the calling one).
        design: an Amaranth component, Verilog text, texts by file name, or files.
        top: the top module; an Amaranth component gets this name.
        testcase: run these tests only.
        seed: of the bench's random numbers; None takes ``COCOTB_RANDOM_SEED`` or a fresh one. A
            failure prints it.
        parameters: of the top module.
        defines: of the preprocessor.
        environment: more variables for the bench to read.
        assertions: keep the design's assertions; a failing one ends the simulation.
        internals: let the bench see inside the design, at a cost in speed.
        waves: write a VCD to this file.
        directory: run there and leave log and results; None runs in a temporary one, which stays
            only after a failure.
        timeout: seconds of wall time, then the simulation is killed.

    Raises:
        BenchError: tests failed, none were found, the simulation died or timed out; with the seed
            and the tail of the log that belongs to the first failure.
        BuildError: Verilator refused the design.
        ToolError: a tool is missing.
    """
    simulator = _build(design, top, parameters, defines, assertions, internals, waves is not None)
    if seed is None:
        seed = int(os.environ.get("COCOTB_RANDOM_SEED") or secrets.randbelow(1 << 31))
    folder = Path(directory or tempfile.mkdtemp(prefix="bitwright-bench-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    name, path = _importable(module)
    log, results = folder / "cocotb.log", folder / "results.xml"
    results.unlink(missing_ok=True)
    arguments = {
        "test_module": name,
        "hdl_toplevel": top,
        "testcase": testcase,
        "build_dir": str(simulator),
        "test_dir": str(folder),
        "results_xml": str(results),
        "log_file": str(log),
        "waves": waves is not None,
    }
    print(f"cocotb bench {name} on {top}, seed {seed}")  # pytest shows it where a test fails
    began = time.monotonic()
    # The runner lets the environment win over its own seed argument: the seed goes there.
    ending = _run(
        arguments, path, dict(environment or {}) | {"COCOTB_RANDOM_SEED": str(seed)}, timeout
    )
    seconds = time.monotonic() - began
    if waves is not None and (folder / "dump.vcd").is_file():
        shutil.move(folder / "dump.vcd", waves)
    text = log.read_text(errors="replace") if log.is_file() else ""
    cases = _cases(results)
    _raise_for(cases, ending, text, name, seed, log)
    if directory is None:
        shutil.rmtree(folder)
    return BenchResult(
        tests=tuple(case.name for case in cases if case.outcome == "passed"),
        seed=seed,
        simulated_ns=sum(case.simulated_ns for case in cases),
        seconds=seconds,
        log=text,
    )


def _build(
    design: Any,
    top: str,
    parameters: Mapping[str, int | str] | None,
    defines: Mapping[str, int | str] | None,
    assertions: bool,
    internals: bool,
    waves: bool,
) -> Path:
    """The folder of the simulator, an executable called as the top module for cocotb."""
    try:
        import cocotb_tools.config as cocotb
    except ImportError:
        raise ToolError(f"cocotb is needed for benches, none found; {toolchain.MAKE_ENV}") from None
    sources: Sources = design
    if hasattr(design, "elaborate"):
        sources = simulation_verilog(design, top, assertions=assertions)
    main = cocotb.share_dir / "lib" / "verilator" / "verilator.cpp"
    recipe = Recipe(
        verilog=named_texts(sources, f"{top}.v"),
        top=top,
        cpp=named_texts([main], ""),
        verilator_flags=(
            *("--x-assign", "fast", "--x-initial", "fast", "--timescale", "1ns/1ps", "--vpi"),
            *(["--public-flat-rw"] if internals else ["--public-depth", "1"]),
            "--assert" if assertions else "--no-assert",
            *(["--trace"] if waves else []),
            *definition_flags(parameters, defines),
        ),
        make_variables=("OPT_FAST=-O1",),
        compiler_flags=("-march=native",),
        linker_flags=(
            f"-Wl,-rpath,{cocotb.libs_dir}",
            f"-L{cocotb.libs_dir}",
            "-lcocotbvpi_verilator",
        ),
        output=top,
    )
    return build(recipe)


def _importable(module: str | Path) -> tuple[str, list[str]]:
    """The name to import a bench by, and the search path it needs."""
    if isinstance(module, Path) or module.endswith(".py"):
        file = Path(module).absolute()
        if not file.is_file():
            raise ValueError(f"the bench is a Python module or file, but there is no {file}")
        return file.stem, [str(file.parent), *sys.path]
    return module, list(sys.path)


def _run(
    arguments: Mapping[str, object],
    path: Sequence[str],
    environment: Mapping[str, str],
    timeout: float,
) -> str:
    """Run the simulation; how it ended, empty if well."""
    variables = {name: value for name, value in os.environ.items() if name not in _INHERITED}
    variables |= {"PYTHONPATH": os.pathsep.join(entry for entry in path if entry), **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, json.dumps(arguments)],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that the simulator can be ended together with its runner
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return f"the simulation was killed after {timeout:g} s"
        raise
    if process.returncode == 0:
        return ""
    last = output.strip().splitlines()
    return f"the simulation ended with an error: {last[-1] if last else process.returncode}"


def _cases(results: Path) -> list[_Case]:
    if not results.is_file():
        return []
    found = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped") is not None
        times = [
            float(item.get("value", 0))
            for item in case.iter("property")
            if item.get("name") == "sim_time_duration"  # in ns, the unit of the build
        ]
        found.append(
            _Case(
                name=case.get("name", "?"),
                outcome="failed" if bad else "skipped" if skipped else "passed",
                message="; ".join(_first_line(child) for child in bad),
                simulated_ns=sum(times),
            )
        )
    return found


def _first_line(failure: ElementTree.Element) -> str:
    message = failure.get("message", "").strip().splitlines()
    return ": ".join(part for part in (failure.get("type", ""), *message[:1]) if part)


def _raise_for(
    cases: Sequence[_Case], ending: str, log: str, module: str, seed: int, file: Path
) -> None:
    failed = [case for case in cases if case.outcome == "failed"]
    if failed:
        what = f"{len(failed)} of {len(cases)} tests failed"
    elif ending:
        what = ending
    elif not any(case.outcome == "passed" for case in cases):
        what = "no test ran"
    else:
        return
    lines = [f"bench {module}: {what} (seed {seed}; whole log: {file})"]
    lines += [f"  {case.name}: {case.message}".rstrip() for case in failed]
    tail = _tail(log, failed[0].name if failed else None)
    raise BenchError("\n".join([*lines, *(f"| {line}" for line in tail)]))


def _tail(log: str, test: str | None) -> list[str]:
    """The end of the log, or of the part of it in which ``test`` ran."""
    lines = log.splitlines()
    if test is not None:
        # "12.00ns INFO cocotb.regression running bench.test (1/3)", and so on for what comes next.
        step = re.compile(r"cocotb\.regression\s+(?:running (\S+)|skipping|\*\*)")
        steps = [(i, match[1]) for i, line in enumerate(lines) if (match := step.search(line))]
        for (begin, name), (end, _) in itertools.pairwise([*steps, (len(lines), None)]):
            if name is not None and name.endswith(f".{test}"):
                lines = lines[begin:end]
                break
    return lines[-TAIL:]
