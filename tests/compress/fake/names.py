"""The formats that the tests run, and arrays that are hard for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Codebook, Integer, PowerOfTwo
from bitwright.arith.catalogue import FAMILIES

PRESETS = [
    "fix8.7", "e4m3", "dmf_e4m3", "bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16",
]  # fmt: skip
UNSHARED = [
    "fix8.7", "fix2.0", "fix24.96", "fix32.0", "fix16.-9", "ufix1.0", "ufix8.4", "ufix24.30",
    "e1m0", "e1m2", "e2m1", "e3m0", "e4m3", "e5m10", "e8m0", "e8m7", "e4m11",
    "dmf_e4m3", "dmf_e1m2", "dmf_e5m10", "dmf_e8m7", "fp8_e4m3", "fp8_e5m2",
]  # fmt: skip
BLOCKS = [
    "bfp8_b16", "bfp6_b16", "bfp4_b16", "bfp2_b7", "bfp16_b3", "bm_e4m3_b16", "bm_e1m1_b4",
    "bm_e5m2_b8", "bm_e8m2_b16", "bl8_b16", "bl2_b4", "bl5_b1", "mxfp8_e5m2", "mxfp8_e4m3",
    "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4_e2m1", "mxint8", "nvfp4",
]  # fmt: skip
INTEGERS = ["int2", "int4", "int8", "int16", "uint2", "uint8", "uint16"]
POWERS = ["pow2", "pow4", "pow8"]
LOW_BIT = ["binary", "ternary"]
CODEBOOKS = [
    "codebook2", "codebook16", "codebook255", "codebook256", "codebook9_fix4.1",
    "codebook9_uint3", "codebook9_fix32.8",
]  # fmt: skip
STATIC = [*INTEGERS, *POWERS, *LOW_BIT, *CODEBOOKS]
EVERY = [*UNSHARED, *BLOCKS, *STATIC]
WITH_SCALE = [*INTEGERS, *POWERS, *LOW_BIT]


def many_names() -> list[str]:
    """Of each family all names up to some hundreds, evenly chosen."""
    chosen = []
    for family in FAMILIES:
        names = list(family.names())
        chosen += names[:: max(len(names) // 150, 1)]
    return chosen


def bits_of(values: NDArray[np.floating[Any]]) -> NDArray[np.integer[Any]]:
    return values.view(f"i{values.dtype.itemsize}")


def sweep() -> NDArray[np.float32]:
    """Every pattern of a float32's upper 16 bits, NaN apart, under six of the lower half.

    With 7 mantissa bits in the prefix, that is every midpoint of formats with up to 6, and its
    neighbours on both sides, and every power of two with what lies just below.
    """
    prefixes = np.arange(1 << 16, dtype=np.uint32) << 16
    lows = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    x = (prefixes[:, None] | lows).view(np.float32).reshape(-1)
    return x[~np.isnan(x)]


def around_midpoints(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Every value, every middle of two, and their neighbours in float32."""
    ascending = np.unique(values[np.isfinite(values)])
    points = np.concatenate([ascending, (ascending[:-1] + ascending[1:]) / 2])
    with np.errstate(over="ignore"):
        x = points.astype(np.float32)
    up, down = np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(-np.inf))
    return np.concatenate([x, up, down])


def options_of(name: str, channels: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Ways to say what a tensor whose axis 1 has that many channels shares; {} where none is."""
    family = next(f for f in FAMILIES if f.pattern.fullmatch(name))
    fmt = family.from_match(family.pattern.fullmatch(name))
    if isinstance(fmt, Integer):
        vector = rng.uniform(0.001, 0.2, channels)
        points = rng.integers(fmt.code_low, fmt.code_high + 1, channels)
        return [
            {},
            {"channel_axis": 1},
            {"scale": 0.1},
            {"scale": 2.0**-126, "zero_point": fmt.code_high},
            {"scale": 1e30 / fmt.code_high, "zero_point": fmt.code_low},
            {"scale": vector, "channel_axis": 1},
            {"scale": vector, "zero_point": points, "channel_axis": -2},
            *(
                [{"narrow": n, "scale": s} for n in (0, 1) for s in (None, 0.01)]
                if fmt.signed
                else []
            ),
        ]
    if isinstance(fmt, PowerOfTwo):
        vector = 2.0 ** rng.integers(-127, 128, channels)
        given = [{"scale": s} for s in (1, 2.0**-127, 2.0**127)]
        return [{}, {"channel_axis": 1}, *given, {"scale": vector, "channel_axis": 1}]
    if isinstance(fmt, Codebook):
        chosen = rng.normal(0, 3, fmt.centroids)
        equal = np.sign(chosen) * np.round(np.abs(chosen))
        tiny = chosen * 1e-38
        return [{}, *({"centroids": c} for c in (chosen, equal, tiny, np.zeros_like(chosen)))]
    if name in LOW_BIT:
        vector = rng.uniform(0.1, 3, channels)
        scopes = [{"scale": "tensor"}, {"scale": "channel", "channel_axis": 1}, {"channel_axis": 1}]
        return [{}, *scopes, {"scale": 0.3}, {"scale": vector, "channel_axis": 1}]
    return [{}]


def shapes(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """(600, 53) in other shapes and orders: not contiguous, short, empty, scalar."""
    cube = x.reshape(6, 100, 53)
    parts = [x, x.T, x[:, ::3], x[::-1], x[:, :1], x[:0], x[:, :0], np.array(x[3, 4]), x[5]]
    return [*parts, cube, cube.transpose(2, 0, 1)[:, :, 3:70:2]]
