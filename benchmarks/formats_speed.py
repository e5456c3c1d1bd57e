"""Speed of `quantize`, in million elements per second, beside a peer where one is installed.

    python benchmarks/formats_speed.py                     # every format, 4096 x 4096 float32
    python benchmarks/formats_speed.py int8 mxfp8_e4m3 --json speed.json

Each figure is the best of five calls by the wall clock, ours and the peer's in turn, in one process
with as many threads as each takes. Other load on the machine lowers both.
"""

import argparse
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import parse

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

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One line of the table; speeds in million elements per second."""

    format: str
    ours: float
    peer: str | None = None
    theirs: float | None = None
    ratio: float | None = None


def torch_int8(x: Array) -> Callable[[], object]:
    import torch

    data = torch.from_numpy(x)
    zero_point = torch.zeros(len(x), dtype=torch.int32)

    def quantize() -> object:
        scale = data.abs().amax(dim=1) / 127  # ours derives its scale, too
        return torch.fake_quantize_per_channel_affine(data, scale, zero_point, 0, -127, 127)

    return quantize


PEERS: dict[str, tuple[str, str, Callable[[Array], Callable[[], object]]]] = {
    "int8": ("torch", "torch.fake_quantize_per_channel_affine", torch_int8),
}
"""Format to the module a peer needs, its name, and what prepares the call to be timed."""


def measure(name: str, x: Array) -> Speed:
    fmt, options = parse(name), FORMATS.get(name, {})
    calls: list[Callable[[], object]] = [lambda: fmt.quantize(x, **options)]
    module, peer, prepare = PEERS.get(name, (None, None, None))
    if module is not None and prepare is not None and importlib.util.find_spec(module):
        calls.append(prepare(x))
    best = [float("inf")] * len(calls)
    for call in calls:
        call()
    for _ in range(REPEATS):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    speeds = [x.size / seconds / 1e6 for seconds in best]
    if len(speeds) == 1:
        return Speed(format=name, ours=speeds[0])
    ours, theirs = speeds
    return Speed(format=name, ours=ours, peer=peer, theirs=theirs, ratio=ours / theirs)


def line(speed: Speed) -> str:
    text = f"{speed.format:14} {speed.ours:8.1f}"
    if speed.peer is None:
        return text
    return f"{text}   {speed.peer} {speed.theirs:.1f}, ratio {speed.ratio:.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("formats", nargs="*", help="names of formats (default: all)")
    parser.add_argument("--rows", type=int, default=4096, help="rows of the array (default 4096)")
    parser.add_argument("--columns", type=int, default=4096, help="columns (default 4096)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    options = parser.parse_args(arguments)
    x = np.random.default_rng(0).normal(size=(options.rows, options.columns)).astype(np.float32)
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
        options.json.write_text(json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
