"""yosys and nextpnr: the machine's own where they are new enough, else the builds from PyPI."""

import importlib.metadata
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST = {"yosys": (0, 60)} | {
    f"nextpnr-{family}": (0, 9) for family in ("ecp5", "ice40", "nexus", "himbaechel-gowin")
}
"""The least version of each program: those of pyproject.toml."""
POLL = 0.5
"""Seconds between two looks at a tool's log."""

Progress = Callable[[str], None]


class SynthesisError(RuntimeError):
    """A tool is missing or failed, or a design does not fit; says which, why and what to do."""


class ToolFailedError(SynthesisError):
    """A tool ended with an error; carries its exit code and the lines that matter."""

    def __init__(self, program: str, exit_code: int, lines: Sequence[str]) -> None:
        self.exit_code = exit_code
        said = "\n".join(f"  {line}" for line in lines)
        super().__init__(f"{program} ended with exit code {exit_code}:\n{said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One tool as found."""

    name: str
    version: str
    path: Path

    @property
    def identity(self) -> str:
        """Name and version, as reports and digests state it."""
        return f"{self.name} {self.version}"


def find_program(name: str) -> Program:
    """Return the tool to use: native if on PATH and new enough, else from PyPI.

    Raises:
        SynthesisError: neither is there; says which version is needed and how to get it.
    """
    native = find_native(name)
    if native is not None and is_new_enough(native):
        return native
    scripts = Path(sysconfig.get_path("scripts"))
    packaged = shutil.which(f"yowasp-{name}", path=str(scripts)) or shutil.which(f"yowasp-{name}")
    if packaged is not None:
        version = importlib.metadata.version(f"yowasp-{name}")
        return Program(name=f"yowasp-{name}", version=version, path=Path(packaged))
    found = "none" if native is None else f"{native.version} at {native.path}"
    least = ".".join(str(part) for part in OLDEST[name])
    raise SynthesisError(
        f"{name} {least} or newer is needed, found {found}; `make env` installs it"
    )


def find_native(name: str) -> Program | None:
    """Return the tool of that name on PATH with the version it reports, or None."""
    path = shutil.which(name)
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    # "Yosys 0.70 (git sha1 ...)"; '"nextpnr-ecp5" -- ... (Version nextpnr-0.11.1)'
    match = re.search(r"(?:Yosys |nextpnr-)(\d+\.\d+\S*?)[)\s]", done.stdout + done.stderr + "\n")
    return Program(name=name, version=match[1] if match else "unknown", path=Path(path))


def is_new_enough(program: Program) -> bool:
    """Tell whether the version a native tool reports reaches `OLDEST`."""
    numbers = re.findall(r"\d+", program.version)
    return tuple(int(number) for number in numbers[:2]) >= OLDEST[program.name]


def run(
    program: Program,
    arguments: Sequence[str],
    folder: Path,
    log: str,
    on_progress: Progress | None = None,
) -> float:
    """Run the tool inside ``folder``, its whole output in the file ``log`` there; return seconds.

    Every file is named relative to ``folder``: the PyPI builds see a private ``/tmp``. Meanwhile
    ``on_progress`` is told, twice a second, what the tool does according to its log.

    Raises:
        ToolFailedError: exit code other than 0.
    """
    began = time.monotonic()
    command = [str(program.path), "-q", "-l", log, *arguments]
    path = folder / log
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said = _watched(process, path, on_progress)
        except BaseException:  # a tool left alone would go on for minutes
            process.kill()
            raise
    if process.returncode:
        text = path.read_text(errors="replace") if path.exists() else ""
        lines = lines_that_matter(text) or lines_that_matter(said)
        raise ToolFailedError(program.identity, process.returncode, lines)
    return time.monotonic() - began


def phase(log: str) -> str | None:
    """Return the last thing that a log says the tool began; None before the first.

    >>> phase("1. Executing Verilog-2005 frontend: a.v\\n2.1. Executing PROC pass (convert).\\n")
    '2.1. PROC pass (convert)'
    >>> phase("Info: Packing carries..\\nInfo:     at iteration #5, type ALL: wirelen = 80\\n")
    'at iteration #5, type ALL: wirelen = 80'
    """
    found = None
    for line in log.splitlines():
        if match := re.match(r"([\d.]+)\s+Executing\s+(.*?)\.?$", line):
            found = f"{match[1]} {match[2]}"
        elif match := re.match(r"Info:\s+(.*\.\.|Routing .*|Running .*|at iteration .*)", line):
            found = match[1].rstrip(".")
    return found


def _watched(process: "subprocess.Popen[str]", log: Path, on_progress: Progress | None) -> str:
    """Wait for the end; return what the process printed."""
    while True:
        try:
            return process.communicate(timeout=POLL)[0]
        except subprocess.TimeoutExpired:
            if on_progress is None or not log.exists():
                continue
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - 4096))
                if now := phase(file.read().decode(errors="replace")):
                    on_progress(now)


def lines_that_matter(log: str, most: int = 12) -> list[str]:
    """Return the errors of a log with the line after each, or its last lines if it has none.

    >>> lines_that_matter("Info: fine\\nERROR: no such cell\\n> delete x\\nInfo: bye\\n")
    ['ERROR: no such cell', '> delete x']
    """
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    # With its colon: a signal may be called error, and nextpnr closes with "0 warnings, 1 error".
    marked = [index for index, line in enumerate(lines) if re.search(r"\berror: ", line, re.I)]
    chosen = sorted({near for index in marked for near in (index, index + 1) if near < len(lines)})
    if not chosen:
        return lines[-most:]
    return [lines[index] for index in chosen[:most]]
