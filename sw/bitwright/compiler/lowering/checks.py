"""What a layer asks of the architecture; each check raises `CompileError`."""

from bitwright.arith import accumulator_bits
from bitwright.compiler.errors import CompileError
from bitwright.isa import Architecture
from bitwright.network import BinaryConv2d, BinaryLinear, Codes, Requantization


def check_requantization(
    name: str, requantization: Requantization, architecture: Architecture
) -> None:
    """The lanes round as the layer does, and multiply by numbers as wide as its."""
    if requantization.rounding.value not in architecture.roundings:
        raise CompileError(
            name,
            f"rounds {requantization.rounding.value}, but the lanes of"
            f" {architecture.name!r} are built for {', '.join(architecture.roundings)}",
        )
    widest = int(requantization.multiplier.max(initial=0)).bit_length()
    if widest > architecture.multiplier_bits:
        raise CompileError(
            name,
            f"has a multiplier of {widest} bits, but multiplier_bits is"
            f" {architecture.multiplier_bits}; quantize with multiplier_bits="
            f"{architecture.multiplier_bits}",
        )


def check_residual(name: str, multiplier: int, architecture: Architecture) -> None:
    """The lanes multiply residuals by numbers as wide as ``multiplier``."""
    if multiplier.bit_length() > architecture.residual_bits:
        raise CompileError(
            name,
            f"has a residual multiplier of {multiplier.bit_length()} bits, but residual_bits is"
            f" {architecture.residual_bits}",
        )


def check_accumulator(name: str, weight: Codes, architecture: Architecture) -> None:
    """Accumulators hold every sum of int8 products with ``weight``."""
    needed = accumulator_bits(weight, None, -128, 127)
    available = architecture.accumulator_bits
    # At 32 bits the sum may wrap: with the bias it fits 32 bits again, as the network proves.
    if needed > available and available < 32:
        raise CompileError(
            name, f"needs accumulators of {needed} bits, but accumulator_bits is {available}"
        )


def check_or(name: str, architecture: Architecture) -> None:
    """The lanes take the OR of bits."""
    if not architecture.xnor:
        raise CompileError(
            name,
            f"takes the maximum of bits, but {architecture.name!r} has no XNOR engine; set"
            " xnor = true in the architecture",
        )


def check_engine(layer: BinaryConv2d | BinaryLinear, bits: int, architecture: Architecture) -> None:
    """There is an XNOR engine, and its accumulators hold sums of ``bits`` products."""
    if not architecture.xnor:
        raise CompileError(
            layer.name,
            f"is a {type(layer).__name__}, but {architecture.name!r} has no XNOR engine; set"
            " xnor = true in the architecture (it needs rows == columns, a multiple of 8)",
        )
    most = (1 << architecture.accumulator_bits - 1) - 1
    if bits > most:
        raise CompileError(
            layer.name,
            f"sums {bits} products, but accumulator_bits is {architecture.accumulator_bits}, which"
            f" holds {most}",
        )
