"""Speed of FakeQuantize, in million elements per second, beside torch's own int8.

    python benchmarks/fake_speed.py                    # every format, 4096 x 1024 float32
    python benchmarks/fake_speed.py int8 nvfp4 --threads 1

Each figure is the best of seven calls by the wall clock: forward without gradients, and forward
with backward. Other load on the machine lowers it: compare lines of one run.
"""

import argparse
import platform
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bitwright.compress.fake import FakeQuantize

REPEATS = 7
FORMATS = [
    "int8", "fix8.7", "e4m3", "fp8_e4m3", "fp8_e5m2", "dmf_e4m3", "bfp8_b16", "bfp6_b16",
    "bfp4_b16", "bm_e4m3_b16", "bl8_b16", "pow4", "mxfp8_e5m2", "mxfp8_e4m3", "mxfp6_e3m2",
    "mxfp6_e2m3", "mxfp4_e2m1", "mxint8", "nvfp4", "binary", "ternary", "codebook16", "codebook256",
]  # fmt: skip
PEER = "torch.fake_quantize (int8)"


def speed(run: Callable[[], object], elements: int) -> float:
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return elements / min(seconds) / 1e6


def measure(quantize: Callable[[Tensor], Tensor], x: Tensor) -> tuple[float, float]:
    """Give the speeds of forward, and of forward with backward."""
    upstream = torch.ones_like(x)
    leaf = x.clone().requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            quantize(x)

    def both() -> None:
        leaf.grad = None
        quantize(leaf).backward(upstream)

    return speed(forward, x.numel()), speed(both, x.numel())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("formats", nargs="*", default=FORMATS, help="names (default: all below)")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--columns", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(arguments.rows, arguments.columns, generator=generator)
    scale = float(x.abs().max() / 127)

    def peer(x: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x, scale, 0, -128, 127)

    given = FakeQuantize("int8", scale=scale)
    modules = {name: FakeQuantize(name) for name in arguments.formats}
    machine = f"torch {torch.__version__}, {arguments.threads} threads, {platform.machine()}"
    print(f"{arguments.rows} x {arguments.columns} float32, {machine}")
    print(f"{'million elements per second':28}{'forward':>10}{'+ backward':>12}")
    for name, quantize in {PEER: peer, "int8 (scale given)": given, **modules}.items():
        forward, both = measure(quantize, x)
        print(f"{name:28}{forward:10.0f}{both:12.0f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
