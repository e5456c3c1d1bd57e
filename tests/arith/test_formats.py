"""What holds for every format: one list of names, a new format is a line here."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from bitwright.arith import BlockFormat, Codebook, Encoded, Format, parse

PRESETS = [
    "fix8.7", "e4m3", "dmf_e4m3", "bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16",
]  # fmt: skip
OTHERS = [
    "int8", "uint4", "int16", "ufix6.3", "fix32.20", "e8m7", "e3m0", "fp8_e4m3", "fp8_e5m2",
    "dmf_e2m5", "bfp16_b5", "bm_e5m2_b8", "bm_e8m1_b3", "bl2_b4", "pow8", "pow3", "mxfp8_e5m2",
    "mxfp8_e4m3", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4_e2m1", "mxint8", "nvfp4", "binary", "ternary",
    "codebook16", "codebook3_ufix4.1",
]  # fmt: skip
FORMATS = [*PRESETS, *OTHERS]
BLOCKED = [name for name in FORMATS if isinstance(parse(name), BlockFormat) or name == "nvfp4"]
UNSHARED = ["fix8.7", "e4m3", "dmf_e4m3", "ufix6.3", "fix32.20", "e8m7", "fp8_e5m2"]


def same_bits(a: NDArray[np.floating], b: NDArray[np.floating]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def shared_arrays(encoded: Encoded[object]) -> list[NDArray[np.generic]]:
    shared = encoded.shared
    names = getattr(type(shared), "__slots__", ())
    return [np.asarray(getattr(shared, name)) for name in names if name != "encoded"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_quantize_is_encode_and_decode(
    name: str, dtype: type[np.floating], data: st.DataObject
) -> None:
    width = np.finfo(dtype).bits
    elements = st.floats(width=width, allow_nan=False) | st.floats(-4, 4, width=width)  # type: ignore[arg-type]
    x = data.draw(
        arrays.arrays(dtype, arrays.array_shapes(max_dims=3, max_side=20), elements=elements)
    )
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    fmt = parse(name)
    peak = np.abs(x).max()
    if name in ("uint4", "codebook3_ufix4.1") and peak > np.finfo(dtype).max / 4:
        x = x / dtype(8)  # the span of uint would overflow
    encoded = fmt.encode(x, axis)
    values = fmt.quantize(x, axis)
    assert same_bits(values, encoded.decode())
    assert np.isfinite(values).all()
    again = encoded.unpack(encoded.pack())
    assert same_bits(again.decode(), values)
    assert again.codes.dtype == encoded.codes.dtype == fmt.code_dtype
    for mine, theirs in zip(shared_arrays(encoded), shared_arrays(again), strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("name", FORMATS)
def test_large_arrays_are_cut_without_a_seam(name: str) -> None:
    # 700 x 900 elements: several tiles and two threads; a row of 630,000: cuts within a row.
    fmt = parse(name)
    x = np.random.default_rng(0).normal(size=(700, 900)).astype(np.float32)
    x[3] *= 1e20
    for shape in ((700, 900), (1, 630_000)):
        whole = x.reshape(shape)
        values = fmt.quantize(whole)
        assert same_bits(values, fmt.encode(whole).decode())
    if name in BLOCKED and name != "nvfp4":
        alone = np.stack([fmt.quantize(row) for row in x[:40]])
        assert same_bits(fmt.quantize(x)[:40], alone)


@pytest.mark.parametrize("name", FORMATS)
def test_order_in_memory_and_axis_do_not_matter(name: str) -> None:
    fmt = parse(name)
    x = np.random.default_rng(1).normal(size=(4, 37, 6)).astype(np.float32)
    expected = fmt.quantize(x, axis=1)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[:, ::-1][:, ::-1]):
        assert same_bits(fmt.quantize(other, axis=1), expected)
        assert same_bits(fmt.encode(other, axis=1).decode(), expected)
    for axis in (0, 2):
        moved = np.moveaxis(x, 1, axis)
        assert same_bits(
            fmt.quantize(moved, axis), np.ascontiguousarray(np.moveaxis(expected, 1, axis))
        )
        assert np.array_equal(
            fmt.encode(moved, axis - 3).codes, np.moveaxis(fmt.encode(x, axis=1).codes, 1, axis)
        )


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 5)])
@pytest.mark.parametrize("name", FORMATS)
def test_empty_arrays(name: str, shape: tuple[int, ...]) -> None:
    fmt = parse(name)
    for axis in range(len(shape)):
        encoded = fmt.encode(np.empty(shape, np.float32), axis)
        assert encoded.decode().shape == encoded.codes.shape == shape
        assert fmt.quantize(np.empty(shape), axis).shape == shape
        assert encoded.unpack(encoded.pack()).codes.shape == shape


@pytest.mark.parametrize("name", FORMATS)
def test_scalars_lists_and_other_types(name: str) -> None:
    fmt = parse(name)
    assert fmt.quantize(0.75).shape == fmt.encode(0.75).codes.shape == ()
    assert fmt.encode(0.75).decode() == fmt.quantize(0.75) == fmt.quantize([0.75])[0]
    x = np.array([-3.0, 0.5, 1.0, 2.0])
    expected = fmt.quantize(x)
    assert np.array_equal(fmt.quantize(x.tolist()), expected)
    assert np.array_equal(fmt.quantize(x.astype(np.float16)), fmt.quantize(x.astype(np.float32)))
    assert same_bits(fmt.quantize(x.astype(">f8")), expected)
    assert np.array_equal(fmt.quantize(np.array([-3, 1, 2])), fmt.quantize([-3.0, 1.0, 2.0]))
    with pytest.raises(TypeError, match="x must be float16, float32, float64 or integer"):
        fmt.quantize([1j])


@pytest.mark.parametrize("name", FORMATS)
def test_the_argument_is_left_alone(name: str) -> None:
    x = np.random.default_rng(2).normal(size=(5, 33))
    copy = x.copy()
    fmt = parse(name)
    fmt.quantize(x)
    fmt.encode(x, axis=0)
    assert np.array_equal(x, copy)


@pytest.mark.parametrize("name", FORMATS)
def test_nan_is_refused_with_its_first_index(name: str) -> None:
    fmt = parse(name)
    x = np.zeros((3, 40, 5), np.float32)
    x[1, 38, 2] = x[2, 0, 0] = np.nan
    for axis in range(3):
        for call in (fmt.quantize, fmt.encode):
            with pytest.raises(
                ValueError, match=re.escape("x is NaN at index (1, 38, 2); NaN has")
            ):
                call(x, axis)


@pytest.mark.parametrize("axis", [2, -3])
@pytest.mark.parametrize("name", FORMATS)
def test_an_axis_out_of_range_is_named(name: str, axis: int) -> None:
    fmt = parse(name)
    for call in (fmt.quantize, fmt.encode):
        with pytest.raises(
            ValueError, match=rf"axis must lie in -2\.\.1 for 2 axes, but is {axis}"
        ):
            call(np.zeros((2, 2)), axis=axis)


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_options_are_refused(name: str) -> None:
    fmt = parse(name)
    for call in (fmt.quantize, fmt.encode):
        with pytest.raises(TypeError, match="stochastic"):
            call([1.0], stochastic=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", FORMATS)
def test_infinities_saturate(name: str) -> None:
    for dtype in (np.float32, np.float64):
        values = parse(name).quantize(np.array([np.inf, -np.inf, 1.0, 0.0], dtype))
        assert np.isfinite(values).all()
        assert values[0] == values.max()
        assert values[1] == values.min()


@pytest.mark.parametrize("name", FORMATS)
def test_values_repeat_their_codes(name: str) -> None:
    fmt = parse(name)
    assert parse(str(fmt)) == fmt
    assert hash(parse(name)) == hash(fmt)
    if fmt.bits <= 16:
        values = fmt.values()
        assert len(values) == fmt.code_high - fmt.code_low + 1
        assert values[np.isfinite(values)].max() == fmt.max
        assert values[np.isfinite(values)].min() == fmt.min
        assert np.diff(np.unique(values[np.isfinite(values)])).min() == fmt.min_step


@pytest.mark.parametrize("name", [name for name in FORMATS if parse(name).bits <= 16])
def test_integers_times_a_power_of_two_are_the_values(name: str) -> None:
    fmt: Format[object] = parse(name)
    if isinstance(fmt, Codebook):
        with pytest.raises(ValueError, match=r"codes of codebook.* are indices"):
            fmt.integers([0])
        return
    values = fmt.values()
    finite = np.isfinite(values)
    codes = np.arange(fmt.code_low, fmt.code_high + 1)[finite]
    mantissas, exponents = fmt.element.mantissas(codes)
    assert np.array_equal(np.ldexp(mantissas.astype(float), exponents), values[finite])
    if name in ("e8m7", "bm_e8m1_b3", "bl8_b16", "pow8"):
        with pytest.raises(ValueError, match=r"exceed 63 bits; mantissas\(\) gives each code"):
            fmt.integers(codes)
        return
    integers, exponent = fmt.integers(codes)
    assert integers.dtype == np.int64
    assert np.array_equal(np.ldexp(integers.astype(float), exponent), values[finite])


@pytest.mark.parametrize("name", FORMATS)
def test_packed_bytes_are_elements_then_shared_part(name: str) -> None:
    fmt = parse(name)
    encoded = fmt.encode(np.random.default_rng(3).normal(size=100).astype(np.float32))
    elements, shared = fmt.pack(encoded.codes), fmt.pack_shared(encoded.shared)
    assert elements.size == -(-100 * fmt.bits // 8)
    assert encoded.pack().tolist() == [*elements.tolist(), *shared.tolist()]
    stored = 8 * shared.size / 100
    if isinstance(fmt, Codebook):  # to the byte
        assert fmt.bits_per_element(100) <= fmt.bits + stored
    else:
        assert fmt.bits_per_element(100) == pytest.approx(fmt.bits + stored)
    with pytest.raises(ValueError, match="bytes"):
        encoded.unpack([*encoded.pack().tolist(), 0])


@pytest.mark.parametrize("n", [0, -1])
@pytest.mark.parametrize("name", FORMATS)
def test_bits_per_element_of_nothing_is_refused(name: str, n: int) -> None:
    with pytest.raises(ValueError, match=f"n must be at least 1, but is {n}"):
        parse(name).bits_per_element(n)


@pytest.mark.parametrize("name", [name for name in BLOCKED if name != "nvfp4"])
def test_a_block_depends_on_itself_alone(name: str) -> None:
    fmt = parse(name)
    assert isinstance(fmt, BlockFormat)
    k = fmt.block
    x = np.zeros((1, 4 * k), np.float32)
    x[0, k : 2 * k] = 3e38
    x[0, 3 * k :] = 1e-30
    encoded = fmt.encode(x)
    exponents = encoded.shared.exponents[0]
    assert exponents[0] == exponents[2] == -127  # zeros: the least exponent, whatever is beside
    assert not encoded.codes[0, :k].any()
    for b in range(4):
        part = slice(b * k, (b + 1) * k)
        assert same_bits(fmt.quantize(x)[:, part], fmt.quantize(x[:, part].copy()))


def test_rows_much_shorter_than_a_block_take_no_more_memory_than_they_need() -> None:
    x = np.random.default_rng(6).normal(size=(5000, 3)).astype(np.float32)
    assert same_bits(parse("bfp8_b65536").quantize(x), parse("bfp8_b3").quantize(x))
    assert parse("bfp8_b65536").encode(x).shared.exponents.shape == (5000, 1)


@pytest.mark.parametrize("name", [name for name in UNSHARED if parse(name).bits <= 16])
def test_unshared_formats_are_idempotent(name: str) -> None:
    fmt = parse(name)
    x = np.random.default_rng(4).normal(size=500) * fmt.max
    values = fmt.quantize(x)
    assert same_bits(fmt.quantize(values), values)
