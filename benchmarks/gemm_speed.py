"""Speed of exact integer matrix products, in GMAC/s, beside the ways one would try first.

    python benchmarks/gemm_speed.py                 # int8, 1024 x 1024 x 1024
    python benchmarks/gemm_speed.py 4096 256 1024 --json speed.json

Each figure is the best of the repeats by the wall clock, all ways in turn, in one process. The
yardstick is measured in the same run: float32 BLAS on operands that already are float32, which
is what `matmul` costs where conversions, checks and int64 results are free. Other load on the
machine lowers all of them, so only their ratios mean something beside other figures.
"""

import argparse
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import dot, matmul, pack_words, parse, xnor_dot
from bitwright.files import write_whole

SLOW = 1 << 26
"""MACs up to which numpy's own integer loops, without BLAS, are worth waiting for."""

Way = Callable[[], object]


def ways(m: int, k: int, n: int) -> dict[str, tuple[int, Way]]:
    """Name each way, with its MACs: bitwright's, the naive ones, torch's where installed."""
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (m, k), np.int8)
    b = rng.integers(-128, 128, (k, n), np.int8)
    x, y = rng.normal(size=(m, k)), rng.normal(size=(n, k))
    float_a, float_b = a.astype(np.float32), b.astype(np.float32)
    some = max(1, min(m, SLOW // (k * n)))
    wide_a, wide_b = a[:some].astype(np.int32), b.astype(np.int32)
    macs = m * k * n
    found: dict[str, tuple[int, Way]] = {
        "float32 BLAS, operands in float32": (macs, lambda: float_a @ float_b),
        "bitwright matmul int8": (macs, lambda: matmul(a, b)),
        "float64 BLAS, int8 converted": (
            macs,
            lambda: (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64),
        ),
        "numpy int32 @ int32": (some * k * n, lambda: wide_a @ wide_b),
    }
    for name, lsb in (("int8", None), ("fp8_e4m3", None), ("bfp8_b16", -12), ("mxint8", -12)):
        left, right = parse(name).encode(x), parse(name).encode(y)
        found[f"bitwright dot {name}"] = macs, lambda p=left, q=right, s=lsb: dot(p, q, lsb=s)
    binary = parse("binary")
    signs_a, signs_b = binary.encode(x), binary.encode(y)
    words_a, words_b = pack_words(signs_a.codes), pack_words(signs_b.codes)
    found["bitwright dot binary"] = macs, lambda: dot(signs_a, signs_b)
    found["bitwright xnor_dot, packed"] = macs, lambda: xnor_dot(words_a, words_b, k)
    e5m2 = [parse("e5m2").encode(part) for part in (x[:some], y)]
    found["bitwright dot e5m2, each product rounded"] = (
        some * k * n,
        lambda: dot(e5m2[0], e5m2[1], lsb=-16),
    )
    if importlib.util.find_spec("torch"):
        import torch

        torch_a, torch_b = torch.from_numpy(a), torch.from_numpy(b)
        found["torch._int_mm int8"] = macs, lambda: torch._int_mm(torch_a, torch_b)
    return found


def check(m: int, k: int, n: int) -> None:
    """A fast wrong product is no product: compare a corner with Python's integers."""
    rng = np.random.default_rng(1)
    a: NDArray[np.int8] = rng.integers(-128, 128, (min(m, 8), k), np.int8)
    b: NDArray[np.int8] = rng.integers(-128, 128, (k, min(n, 8)), np.int8)
    if not np.array_equal(matmul(a, b), a.astype(object) @ b.astype(object)):
        raise SystemExit("matmul is not exact")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shape", nargs="*", type=int, help="M K N (default 1024 1024 1024)")
    parser.add_argument("--repeats", type=int, default=9, help="calls of each way (default 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    options = parser.parse_args(arguments)
    if len(options.shape) not in (0, 3):
        parser.error(f"give M K N or nothing, not {len(options.shape)} numbers")
    m, k, n = options.shape or (1024, 1024, 1024)
    check(m, k, n)
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    print(f"{m} x {k} x {n}, GMAC/s, best of {options.repeats}, BLAS threads: {threads}")
    every = ways(m, k, n)
    best = dict.fromkeys(every, float("inf"))
    for _ in range(options.repeats):
        for name, (_, way) in every.items():
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    speeds = {name: every[name][0] / seconds / 1e9 for name, seconds in best.items()}
    yardstick = next(iter(speeds.values()))
    for name, speed in speeds.items():
        print(f"{name:42} {speed:8.2f}  {speed / yardstick:5.2f} of float32 BLAS")
    if options.json is not None:
        record = {
            "benchmark": "gemm_speed",
            "shape": [m, k, n],
            "unit": "GMAC/s",
            "cores": os.cpu_count(),
            "threads": threads,
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "results": speeds,
        }
        write_whole(options.json, json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
