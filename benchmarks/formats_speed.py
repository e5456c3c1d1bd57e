"""Speed of `quantize`, in million elements per second, beside the peers that are installed.

    python -m benchmarks.formats_speed                     # every format, 4096 x 4096 float32
    python -m benchmarks.formats_speed int8 mxfp8_e4m3 --json speed.json

Each figure is the best of five calls by the wall clock, ours and the peers' in turn, in one process
with as many threads as each takes. Other load on the machine lowers all.
"""

import argparse
import importlib.util
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.peers import PEERS, Array, Call

from bitwright.arith import parse
from bitwright.files import write_whole

REPEATS = 5
FORMATS: dict[str, dict[str, Any]] = {
    "int8": {"channel_axis": 0},
    "fix8.7": {},
    "e4m3": {},
    "fp8_e4m3": {},
    "fp8_e5m2": {},
    "dmf_e4m3": {},
    "bfp8_b16": {},
    "bfp6_b16": {},
    "bfp4_b16": {},
    "bm_e4m3_b16": {},
    "bl8_b16": {},
    "pow4": {},
    "mxfp8_e5m2": {},
    "mxfp8_e4m3": {},
    "mxfp6_e3m2": {},
    "mxfp6_e2m3": {},
    "mxfp4_e2m1": {},
    "mxint8": {},
    "nvfp4": {},
    "binary": {"scale": "tensor"},
    "ternary": {"scale": "tensor"},
    "codebook16": {},
    "codebook256": {},
}
"""Each format with the options it is called with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A peer beside ours."""

    name: str
    speed: float
    """Million elements per second."""
    ratio: float
    """Ours over its speed."""
    differing: int
    """Of its values, those that are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One line of the table."""

    format: str
    ours: float
    """Million elements per second."""
    peers: list[Rival] = field(default_factory=list)


def measure(name: str, x: Array) -> Speed:
    fmt, options = parse(name), FORMATS.get(name, {})
    peers = [peer for peer in PEERS.get(name, ()) if importlib.util.find_spec(peer.module)]
    calls: list[Call] = [lambda: fmt.quantize(x, **options)]
    calls += [peer.prepare(x) for peer in peers]
    ours, *theirs = [np.asarray(call()) for call in calls]
    differing = [int(np.count_nonzero(ours != values)) for values in theirs]
    best = [float("inf")] * len(calls)
    for _ in range(REPEATS):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    speed, *speeds = [x.size / seconds / 1e6 for seconds in best]
    rivals = [
        Rival(name=peer.name, speed=its, ratio=speed / its, differing=count)
        for peer, its, count in zip(peers, speeds, differing, strict=True)
    ]
    return Speed(format=name, ours=speed, peers=rivals)


def line(speed: Speed) -> str:
    beside = "; ".join(f"{p.name} {p.speed:.1f}, ratio {p.ratio:.2f}" for p in speed.peers)
    return f"{speed.format:14} {speed.ours:8.1f}   {beside}".rstrip()


def sample(rows: int, columns: int) -> Array:
    return np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("formats", nargs="*", help="names of formats (default: all)")
    parser.add_argument("--rows", type=int, default=4096, help="rows of the array (default 4096)")
    parser.add_argument("--columns", type=int, default=4096, help="columns (default 4096)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    options = parser.parse_args(arguments)
    x = sample(options.rows, options.columns)
    print(f"{options.rows} x {options.columns} float32, million elements per second, best of 5")
    speeds = []
    for name in options.formats or FORMATS:
        speeds.append(measure(name, x))
        print(line(speeds[-1]), flush=True)
    if options.json is not None:
        record = {
            "benchmark": "formats_speed",
            "shape": list(x.shape),
            "unit": "million elements per second",
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "results": [asdict(speed) for speed in speeds],
        }
        write_whole(options.json, json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
