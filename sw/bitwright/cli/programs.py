"""What several subcommands take: a program to run, and images for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitwright.compiler import Program

DEMO = Path("runs/demo/net.bwp")


def load_program(path: Path, arch: Path | None) -> "Program":
    """The program of a ``.bwp``, or a ``.bw`` network compiled for ``arch``."""
    from bitwright import compiler
    from bitwright.isa import Architecture
    from bitwright.network import Network

    if path == DEMO and not path.exists():
        raise ValueError(f"there is no {path}; `make demo` writes it, or name a program (MODEL=)")
    if path.suffix == ".bw":
        architecture = Architecture() if arch is None else Architecture.load(arch)
        return compiler.compile(Network.load(path), architecture)
    program = compiler.Program.load(path)
    if arch is not None and Architecture.load(arch).hash != program.architecture.hash:
        raise ValueError(
            f"{path} was compiled for {program.architecture.name}"
            f" ({program.architecture.hash:016x}), not for {arch}; compile the network for it"
        )
    return program


def input_codes(program: "Program", data: str, images: int, seed: int) -> Any:
    """Input codes (N, ...): ``random``, or the test images of a data set, quantized."""
    import numpy as np

    from bitwright import sim

    if data == "random":
        output = program.network.input.output
        rng = np.random.default_rng(seed)
        shape = (images, *program.network.input.shape)
        return rng.integers(output.low, output.high, shape, np.int8, endpoint=True)
    from bitwright.data import load

    real = load(data).test.images[:images]
    with sim.Accelerator(program, "reference") as reference:
        return reference.quantize(real.reshape(len(real), *program.network.input.shape))
