"""Create or update `.venv` from pyproject.toml and constraints.txt; do nothing while it is current.

`make env` runs this with any Python on the path, so the file uses the standard library alone and
stays readable to an older interpreter up to the point where it says which version is needed.
The stamp in `.venv` is a digest of both files and the checkout's place (an editable install
points at the checkout), and it is written last: an interrupted run is simply repeated. The Python
that runs this file makes `.venv`; one that works already is kept, whichever Python made it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
STAMP = "bitwright-env"

# The host's own tools: pip cannot bring these, and only simulation needs them.
HOST_TOOLS = {
    "g++": "Verilator compiles the simulation with it (Debian: apt install g++)",
    "make": "Verilator builds the simulation with it (Debian: apt install make)",
    "perl": "Verilator's driver is written in it (Debian: apt install perl)",
}

CUDA_REMEDY = """\
bitwright needs no GPU, and a CUDA build of torch takes several gigabytes. Give pip the CPU build:
  1. take the address of the CPU wheel index from PyTorch's "Get started" page (Compute Platform:
     CPU), or put the CPU wheel (torch-{version}+cpu-...whl) into a folder;
  2. set PIP_EXTRA_INDEX_URL=<that address>, or PIP_FIND_LINKS=<that folder>;
  3. rm -rf {venv} && make env"""


class PreparationError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def say(message: str) -> None:
    """Print one line of progress at once, even into a pipe."""
    print(f"env: {message}", flush=True)


def check_python() -> None:
    """Refuse an interpreter that is too old, naming newer ones that are on the path."""
    if sys.version_info >= OLDEST:
        return
    names = [f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 8)]
    found = [name for name in names if shutil.which(name)]
    raise PreparationError(
        f"Python {dotted(OLDEST)} or newer is needed, "
        f"{sys.executable} is {dotted(sys.version_info[:3])}; "
        f"try: make env PYTHON={found[-1] if found else '/path/to/python3.11'}"
    )


def dotted(version: tuple[int, ...]) -> str:
    """Return (3, 11) as 3.11."""
    return ".".join(str(part) for part in version)


def digest(root: Path = ROOT) -> str:
    """Return the digest of everything the environment depends on."""
    state = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        state.update((root / name).read_bytes() + b"\0")
    state.update(str(root).encode())
    return state.hexdigest()


def requirement(root: Path = ROOT) -> str:
    """Return the editable requirement with every extra: `/checkout[demo,dev,hw,sim,torch]`."""
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return f"{root}[{','.join(sorted(project['optional-dependencies']))}]"


def torch_pin(root: Path = ROOT) -> str:
    """Return the pinned torch requirement, `torch==<version>`."""
    for line in (root / "constraints.txt").read_text().splitlines():
        if line.startswith("torch=="):
            return line.strip()
    raise PreparationError("constraints.txt pins no torch; add a line torch==<version>")


def run(command: list[object], **options: Any) -> str | None:
    """Run a command and return its output if captured; a failure names the command."""
    words = [str(part) for part in command]
    done = subprocess.run(words, **options)
    if done.returncode:
        line = " ".join(words)
        raise PreparationError(f"this command ended with exit code {done.returncode}:\n  {line}")
    output: str | None = done.stdout
    return output


def cuda_remedy(venv: Path, root: Path) -> str:
    """Return what to do when pip offers CUDA."""
    return CUDA_REMEDY.format(version=torch_pin(root).split("==")[1], venv=venv)


def cuda_packages(report: dict[str, Any]) -> list[str]:
    """Return the names in a pip installation report that only a CUDA build of torch brings."""
    names = {item["metadata"]["name"].lower() for item in report["install"]}
    return sorted(name for name in names if name.startswith(("nvidia-", "cuda-", "triton")))


def refuse_cuda_before_download(pip: list[object], venv: Path, root: Path) -> None:
    """Resolve torch without installing it; stop if the resolution would bring CUDA.

    Where the index serves metadata apart from wheels this costs a second and saves gigabytes.
    """
    pin = torch_pin(root)
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.json"
        run([*pip, "install", "--dry-run", "--report", plan, "-c", root / "constraints.txt", pin])
        found = cuda_packages(json.loads(plan.read_text()))
    if found:
        raise PreparationError(
            f"pip would install a CUDA build of torch, with {found[0]}.\n{cuda_remedy(venv, root)}"
        )


def refuse_installed_cuda(python: Path, venv: Path, root: Path) -> None:
    """Ask the torch that was installed whether it is a CUDA build; stop if it is."""
    code = "import torch; print(torch.__version__, torch.version.cuda)"
    printed = run([python, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, text=True)
    version, cuda = (printed or "").split()
    if cuda != "None":
        raise PreparationError(
            f"torch {version} was installed, a build for CUDA {cuda}.\n{cuda_remedy(venv, root)}"
        )
    say(f"torch {version}, a CPU build")


def create(venv: Path) -> Path:
    """Make an empty virtual environment, replacing one whose interpreter no longer starts."""
    python = venv / "bin" / "python"
    if venv.exists():
        probe = [str(python), "-c", f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"]
        if python.exists() and subprocess.run(probe, capture_output=True).returncode == 0:
            return python
        say(f"the Python in {venv} does not work or is too old: making it anew")
    say(f"creating {venv} with Python {dotted(sys.version_info[:3])}")
    try:
        run([sys.executable, "-m", "venv", "--clear", venv])
    except PreparationError as error:
        raise PreparationError(f"{error}\non Debian and Ubuntu: apt install python3-venv") from None
    return python


def install(python: Path, venv: Path, root: Path) -> None:
    """Install the pinned dependencies and the checkout itself, editable."""
    pip: list[object] = [python, "-m", "pip", "-qq", "--disable-pip-version-check"]
    constraints: list[object] = ["-c", root / "constraints.txt"]
    say("resolving torch")
    refuse_cuda_before_download(pip, venv, root)
    # The build backend comes first and is used without isolation: it is the pinned one too.
    say("installing the pinned packages of constraints.txt (a few minutes on a fresh machine)")
    run([*pip, "install", *constraints, "hatchling", "editables"])
    run([*pip, "install", *constraints, "--no-build-isolation", "-e", requirement(root)])
    refuse_installed_cuda(python, venv, root)


def main(argv: list[str] | None = None) -> int:
    """Bring the environment up to date; return the process's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--venv", type=Path, default=ROOT / ".venv", help="default: .venv of the checkout"
    )
    venv = parser.parse_args(argv).venv.absolute()
    try:
        stamp, wanted = venv / STAMP, digest()
        if stamp.exists() and stamp.read_text() == wanted and (venv / "bin" / "python").exists():
            say(f"{venv} is current")
            return 0
        check_python()
        began = time.monotonic()
        for tool, reason in HOST_TOOLS.items():
            if shutil.which(tool) is None:
                say(f"warning: {tool} is missing: {reason}")
        python = create(venv)
        install(python, venv, ROOT)
        stamp.write_text(wanted)
        say(f"ready after {time.monotonic() - began:.0f} s; to activate it: . {venv}/bin/activate")
    except PreparationError as error:
        print(f"env: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
