"""The number formats' figures: exactness, speed beside peers, and the exact integer product.

`make bench-formats` runs it (python -m benchmarks.formats) and it writes
benchmarks/results/formats.json. The options make it small, to try it.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
from benchmarks import record
from benchmarks.formats_speed import FORMATS, line, measure, sample
from rich.console import Console
from tests.arith import test_blocks, test_elements

from bitwright.arith import matmul, parse

RUNS = 5
console = Console(soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if anything is not exact."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="rows and columns (default 4096)")
    parser.add_argument("--gemm", type=int, default=1024, help="of the product (default 1024)")
    parser.add_argument("--seeds", type=int, default=10, help="10^5 blocks each (default 10)")
    parser.add_argument("--name", default="formats", help="of the results (default formats)")
    options = parser.parse_args(arguments)
    figures = {
        "quantize": quantize(options.size),
        "gemm": gemm(options.gemm),
        "elements": elements(),
        "blocks": blocks(test_blocks.MANY_SEEDS[: options.seeds]),
    }
    path = record.write(options.name, figures)
    console.print(str(path.relative_to(record.ROOT)))
    exact = not figures["elements"]["differing"] and not figures["blocks"]["differing"]
    return 0 if exact and figures["gemm"]["equal"] else 1


def quantize(size: int) -> dict[str, Any]:
    """Every format on float32, its peers in the same run."""
    x = sample(size, size)
    console.print(f"quantize, {size} x {size} float32, million elements per second, best of 5")
    speeds = []
    for name in FORMATS:
        speeds.append(measure(name, x))
        console.print(line(speeds[-1]))
    return {"shape": list(x.shape), "formats": [asdict(speed) for speed in speeds]}


def gemm(size: int) -> dict[str, Any]:
    """int8 products in GMAC/s: ours, numpy's on int32, and float32's, which is no int8 product."""
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 128, (size, size), dtype=np.int8) for _ in range(2))
    wide_a, wide_b = a.astype(np.int32), b.astype(np.int32)
    real_a, real_b = a.astype(np.float32), b.astype(np.float32)
    rates = {
        "arith_matmul": rate(lambda: matmul(a, b), size),
        "numpy_int32": rate(lambda: wide_a @ wide_b, size, runs=1),
        "numpy_float32": rate(lambda: real_a @ real_b, size),
    }
    equal = bool((matmul(a, b) == wide_a @ wide_b).all())
    console.print(
        f"int8 GEMM {size}^3, GMAC/s: arith.matmul {rates['arith_matmul']:.1f}, numpy int32"
        f" {rates['numpy_int32']:.2f}, float32 {rates['numpy_float32']:.1f};"
        f" {'equal' if equal else 'DIFFERENT'}"
    )
    against = {
        f"ratio_to_{name}": rates["arith_matmul"] / rates[name]
        for name in ("numpy_int32", "numpy_float32")
    }
    return {"size": size, "gmac_per_second": rates, "equal": equal} | against


def rate(call: Callable[[], object], size: int, runs: int = RUNS) -> float:
    call()
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        found.append(size**3 / (time.perf_counter() - began) / 1e9)
    return median(found)


def elements() -> dict[str, Any]:
    """Every code and every midpoint with its neighbours, of every unshared format."""
    names = test_elements.UNSHARED
    began = time.perf_counter()
    failed = failures(
        lambda name: (
            test_elements.check_every_code(name),
            test_elements.check_every_midpoint(name, np.float64),
        ),
        ((name,) for name in names),
    )
    codes = sum(1 << parse(name).bits for name in names)
    seconds = time.perf_counter() - began
    console.print(f"elements: {len(names)} formats, {codes} codes, {len(failed)} differ")
    return {
        "formats": len(names),
        "codes": codes,
        "differing": failed,
        "seconds": round(seconds, 1),
    }


def blocks(seeds: Sequence[int]) -> dict[str, Any]:
    """10^5 blocks per seed and format, against the exact float64 oracle."""
    names = test_blocks.BLOCK_FORMATS
    counts = dict.fromkeys(names, 0)
    compared = 0

    def check(name: str, seed: int) -> None:
        nonlocal compared
        x = test_blocks.many_blocks(name, seed)
        test_blocks.check_against_midpoints(name, x)
        counts[name] += len(x)
        compared += x.size

    began = time.perf_counter()
    with console.status("blocks"):
        failed = failures(check, ((name, seed) for name in names for seed in seeds))
    seconds = time.perf_counter() - began
    console.print(
        f"blocks: {len(names)} formats, {sum(counts.values())} blocks, {compared} elements,"
        f" {len(failed)} differ; {seconds:.0f} s"
    )
    return {
        "blocks": counts,
        "elements_compared": compared,
        "differing": failed,
        "seconds": round(seconds, 1),
    }


def failures(check: Callable[..., object], cases: Iterable[tuple[Any, ...]]) -> list[str]:
    """The cases whose check, a test's, fails."""
    failed = []
    for case in cases:
        try:
            check(*case)
        except AssertionError:
            failed.append(" ".join(map(str, case)))
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
