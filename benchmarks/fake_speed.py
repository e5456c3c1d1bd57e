"""How many million elements per second FakeQuantize rounds, beside torch's own int8.

    python benchmarks/fake_speed.py [--elements 4194304] [--repeat 7] [--threads 2]

Each figure is the median of the repetitions, forward alone and forward with backward. Other load
on the machine lowers it: compare lines of one run.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from bitwright.compress.fake import FakeQuantize

FORMATS = [
    "int8", "fix8.7", "e4m3", "fp8_e4m3", "fp8_e5m2", "dmf_e4m3", "bfp8_b16", "bfp6_b16",
    "bfp4_b16", "bm_e4m3_b16", "bl8_b16", "pow4", "mxfp8_e4m3", "mxfp6_e2m3", "mxfp4_e2m1",
    "mxint8", "nvfp4", "binary", "ternary", "codebook16", "codebook256",
]  # fmt: skip


def millions(run: Callable[[], object], elements: int, repeat: int) -> float:
    run()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return elements / statistics.median(seconds) / 1e6


def measure(name: str, quantize: Callable[[Tensor], Tensor], x: Tensor, repeat: int) -> None:
    upstream = torch.ones_like(x)
    leaf = x.clone().requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            quantize(x)

    def both() -> None:
        leaf.grad = None
        quantize(leaf).backward(upstream)

    alone, together = (millions(run, x.numel(), repeat) for run in (forward, both))
    print(f"{name:32} {alone:8.0f} {together:8.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--elements", type=int, default=1 << 22, help="of the tensor, in rows of 1024"
    )
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    x = torch.randn(
        -(-arguments.elements // 1024), 1024, generator=torch.Generator().manual_seed(0)
    )
    print(
        f"torch {torch.__version__}, {arguments.threads} threads, {platform.machine()}, {tuple(x.shape)}"
    )
    print(f"{'million elements per second':32} {'forward':>8} {'+backward':>9}")
    scale = float(x.abs().max() / 127)

    def own(x: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x, scale, 0, -128, 127)

    measure("torch.fake_quantize (int8)", own, x, arguments.repeat)
    measure("int8, scale given", FakeQuantize("int8", scale=scale), x, arguments.repeat)
    for name in FORMATS:
        measure(name, FakeQuantize(name), x, arguments.repeat)


if __name__ == "__main__":
    main()
