"""What others call to quantize, or write: the calls that `formats_speed.py` times beside ours.

The eager versions are what a practitioner writes for an experiment: a line per step of the
definition, a whole array at a time, exponents by a logarithm. They are not tuned, and neither are
they exact: a float32 logarithm takes the wrong exponent just below powers of two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Call = Callable[[], Any]

MX_BLOCK = 32
MINIFLOATS = {
    "mxfp8_e5m2": (5, 2, 57344.0),
    "mxfp8_e4m3": (4, 3, 448.0),
    "mxfp6_e3m2": (3, 2, 28.0),
    "mxfp6_e2m3": (2, 3, 7.5),
    "mxfp4_e2m1": (2, 1, 6.0),
}
"""Exponent bits, mantissa bits and largest value of an MX element."""
ML_DTYPES = {
    "mxfp8_e5m2": "float8_e5m2",
    "mxfp8_e4m3": "float8_e4m3fn",
    "mxfp6_e3m2": "float6_e3m2fn",
    "mxfp6_e2m3": "float6_e2m3fn",
    "mxfp4_e2m1": "float4_e2m1fn",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """``prepare`` takes the array and gives the call to be timed, whose result is the values."""

    name: str
    module: str
    prepare: Callable[[Array], Call]


def torch_int8(x: Array) -> Call:
    """Per channel; the scale is derived, as ours is."""
    import torch

    data = torch.from_numpy(x)
    zero_point = torch.zeros(len(x), dtype=torch.int32)

    def quantize() -> Any:
        scale = data.abs().amax(dim=1) / 127
        return torch.fake_quantize_per_channel_affine(data, scale, zero_point, 0, -127, 127)

    return quantize


def ml_dtypes_cast(name: str, greatest: float) -> Callable[[Array], Call]:
    """A cast there and back, clipped: the cast does not saturate."""

    def prepare(x: Array) -> Call:
        import ml_dtypes

        dtype = getattr(ml_dtypes, name)
        return lambda: np.clip(x, -greatest, greatest).astype(dtype).astype(np.float32)

    return prepare


def numpy_bfp(width: int, block: int) -> Callable[[Array], Call]:
    """Blocks along the rows, whose length they divide; so do the others."""
    limit = 2 ** (width - 1) - 1

    def prepare(x: Array) -> Call:
        def quantize() -> Array:
            blocks = x.reshape(len(x), -1, block)
            amax = np.abs(blocks).max(axis=2, keepdims=True)
            step = np.exp2(np.floor(np.log2(np.where(amax == 0, 1, amax))) - (width - 2))
            return (np.clip(np.rint(blocks / step), -limit, limit) * step).reshape(x.shape)

        return quantize

    return prepare


def torch_bfp(width: int, block: int) -> Callable[[Array], Call]:
    limit = 2 ** (width - 1) - 1

    def prepare(x: Array) -> Call:
        import torch

        data = torch.from_numpy(x)

        def quantize() -> Any:
            blocks = data.reshape(len(data), -1, block)
            amax = blocks.abs().amax(dim=2, keepdim=True)
            ones = torch.ones_like(amax)
            step = torch.exp2(torch.floor(torch.log2(torch.where(amax == 0, ones, amax))))
            step = step * 2.0 ** -(width - 2)
            return (torch.round(blocks / step).clamp(-limit, limit) * step).reshape(data.shape)

        return quantize

    return prepare


def numpy_mx(name: str) -> Callable[[Array], Call]:
    """The scale in numpy, the elements by a cast of ml_dtypes."""
    *_, greatest = MINIFLOATS[name]
    emax = int(np.floor(np.log2(greatest)))

    def prepare(x: Array) -> Call:
        import ml_dtypes

        dtype = getattr(ml_dtypes, ML_DTYPES[name])

        def quantize() -> Array:
            blocks = x.reshape(len(x), -1, MX_BLOCK)
            amax = np.abs(blocks).max(axis=2, keepdims=True)
            exponent = np.floor(np.log2(np.where(amax == 0, 1, amax))) - emax
            scale = np.exp2(np.clip(exponent, -127, 127))
            elements = np.clip(blocks / scale, -greatest, greatest).astype(dtype)
            return (elements.astype(np.float32) * scale).reshape(x.shape)

        return quantize

    return prepare


def torch_mx(name: str) -> Callable[[Array], Call]:
    """Scale and elements by logarithms, as emulation libraries have it."""
    exponent_bits, mantissa_bits, greatest = MINIFLOATS[name]
    emax = int(np.floor(np.log2(greatest)))
    least = 2 - 2 ** (exponent_bits - 1)

    def prepare(x: Array) -> Call:
        import torch

        data = torch.from_numpy(x)
        tiny = torch.finfo(torch.float32).tiny

        def quantize() -> Any:
            blocks = data.reshape(len(data), -1, MX_BLOCK)
            amax = blocks.abs().amax(dim=2, keepdim=True)
            exponent = torch.floor(torch.log2(amax.clamp_min(tiny))) - emax
            scale = torch.exp2(exponent.clamp(-127, 127))
            scaled = blocks / scale
            binade = torch.floor(torch.log2(scaled.abs().clamp_min(tiny))).clamp_min(least)
            step = torch.exp2(binade - mantissa_bits)
            rounded = (torch.round(scaled / step) * step).clamp(-greatest, greatest)
            return (rounded * scale).reshape(data.shape)

        return quantize

    return prepare


def _bfp(width: int, block: int) -> tuple[Peer, ...]:
    return (
        Peer("numpy, eager", "numpy", numpy_bfp(width, block)),
        Peer("torch, eager", "torch", torch_bfp(width, block)),
    )


def _mx(name: str) -> tuple[Peer, ...]:
    return (
        Peer("numpy and ml_dtypes, eager", "ml_dtypes", numpy_mx(name)),
        Peer("torch, eager", "torch", torch_mx(name)),
    )


PEERS: Mapping[str, tuple[Peer, ...]] = {
    "int8": (Peer("torch.fake_quantize_per_channel_affine", "torch", torch_int8),),
    "fp8_e4m3": (Peer("ml_dtypes cast", "ml_dtypes", ml_dtypes_cast("float8_e4m3fn", 448)),),
    "fp8_e5m2": (Peer("ml_dtypes cast", "ml_dtypes", ml_dtypes_cast("float8_e5m2", 57344)),),
    "bfp8_b16": _bfp(8, 16),
    "bfp6_b16": _bfp(6, 16),
    "bfp4_b16": _bfp(4, 16),
    **{name: _mx(name) for name in MINIFLOATS},
    # An element of 8 bits in steps of 1/64: block floating point, but for the code -128.
    "mxint8": _bfp(8, MX_BLOCK),
}
"""Of a format, whatever is timed beside it."""
