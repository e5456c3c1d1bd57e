import numpy as np
import pytest
from tests.arith import oracle

from bitwright.arith import matmul
from bitwright.arith.exact import FLOAT32_LIMIT, FLOAT64_LIMIT, blocking

TYPES = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64]


@pytest.mark.parametrize("type_a", TYPES)
@pytest.mark.parametrize("type_b", TYPES)
def test_every_pair_of_integer_types(type_a: type[np.integer], type_b: type[np.integer]) -> None:
    rng = np.random.default_rng(0)
    low_a, low_b = (max(int(np.iinfo(t).min), -(1 << 15)) for t in (type_a, type_b))
    high_a, high_b = (min(int(np.iinfo(t).max), (1 << 16) - 1) for t in (type_a, type_b))
    a = rng.integers(low_a, high_a, (5, 19), endpoint=True).astype(type_a)
    b = rng.integers(low_b, high_b, (19, 3), endpoint=True).astype(type_b)
    result = matmul(a, b)
    assert result.dtype == np.int64
    assert np.array_equal(result, oracle.matmul(a, b))


@pytest.mark.parametrize("k", [1, 127, 128, 129, 1023, 1024, 1025, 2048, 5000])
@pytest.mark.parametrize(
    ("a_end", "b_end"),
    [
        (-128, -128),
        (127, -127),
        (255, 255),
        (-255, 127),
        (510, 510),
        (65535, -32768),
        (65536, 65536),
    ],
)
def test_the_worst_sums_of_every_block_boundary(k: int, a_end: int, b_end: int) -> None:
    # All at the end of their range, less one in the last place: an odd sum needs every bit.
    a, b = np.full((2, k), a_end), np.full((k, 2), b_end)
    a[0, -1] -= np.sign(a_end)
    b[-1, 0] -= np.sign(b_end)
    assert np.array_equal(matmul(a, b), oracle.matmul(a, b))


def test_sums_beyond_float64_are_exact() -> None:
    # 2^22 + 1 products of nearly 2^32: two blocks, and a sum above 2^53 that is odd.
    k = (1 << 22) + 1
    a, b = np.full((1, k), 65535), np.full((k, 1), 65535)
    assert matmul(a, b).item() == k * 65535**2


@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
@pytest.mark.parametrize("bits", [2, 4, 8, 9, 12, 16])
def test_random_codes_that_cross_several_blocks(bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (7, 3000))
    b = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (3000, 5))
    assert np.array_equal(matmul(a, b), oracle.matmul(a, b))


@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((4, 2, 3), (3, 5)),
        ((4, 2, 3), (4, 3, 5)),
        ((6, 1, 2, 3), (4, 3, 5)),
        ((3,), (4, 3, 5)),
        ((2, 0), (0, 3)),
        ((0, 3), (3, 2)),
        ((2, 3), (3, 0)),
    ],
)
def test_shapes_are_numpys(shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-99, 99, shape_a), rng.integers(-99, 99, shape_b)
    result = matmul(a, b)
    assert result.dtype == np.int64
    assert result.shape == np.matmul(a, b).shape
    assert np.array_equal(result, np.matmul(a, b))


@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [
        ((5000, 100), (100, 30)),
        ((30, 100), (100, 5000)),
        ((3, 999, 64), (64, 50)),
        ((20, 64), (2, 64, 1001)),
        ((700, 1300), (1300, 9)),
        ((300, 500), (500, 300)),
    ],
    ids=str,
)
def test_products_cut_into_tiles(shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, shape_a), rng.integers(-128, 128, shape_b)
    assert np.array_equal(matmul(a, b), np.matmul(a, b))  # numpy multiplies integers without BLAS


def test_strided_and_read_only_operands() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (6, 40)).astype(np.int8)[::2, ::-2]
    b = rng.integers(-128, 128, (5, 20)).astype(np.int8).T
    a.flags.writeable = False
    assert np.array_equal(matmul(a, b), oracle.matmul(a, b))


def test_permuting_and_splitting_the_contraction_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-255, 256, (4, 4000)), rng.integers(-128, 128, (4000, 4))
    order = rng.permutation(4000)
    assert np.array_equal(matmul(a[:, order], b[order]), matmul(a, b))
    assert np.array_equal(matmul(a[:, :999], b[:999]) + matmul(a[:, 999:], b[999:]), matmul(a, b))


@pytest.mark.parametrize("bound_a", [0, 1, 7, 128, 255, 362, 1000, 32768, 65536])
@pytest.mark.parametrize("bound_b", [0, 1, 7, 127, 128, 255, 32768, 65536])
@pytest.mark.parametrize("k", [1, 100, 1024, 4096])
def test_no_block_can_leave_its_float_types_integers(k: int, bound_a: int, bound_b: int) -> None:
    plan = blocking(k, bound_a, bound_b)
    limit = FLOAT32_LIMIT if plan.dtype is np.float32 else FLOAT64_LIMIT
    assert plan.length >= 1
    assert min(plan.length, k) * bound_a * bound_b <= limit
    assert np.finfo(plan.dtype).nmant + 1 == limit.bit_length() - 1


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[65537]], [[1]], r"a must lie in -65536\.\.65536, but 65537 at index \(0, 0\)"),
        ([[1]], [[-65537]], r"b must .* -65537 at index \(0, 0\)"),
        ([[1, 2]], [[1]], r"last axis of a .* shapes are \(1, 2\) and \(1, 1\)"),
        (1, [1], "no scalars"),
    ],
    ids=["a", "b", "shape", "scalar"],
)
def test_bad_operands_are_named(a: object, b: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matmul(a, b)  # type: ignore[arg-type]


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="b must be integers, not float32"):
        matmul([[1]], np.ones((1, 1), np.float32))


def test_a_flag_that_the_blas_leaves_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenBLAS leaves it now and then: numpy then warns of an invalid operation in matmul."""
    multiply, infinite = np.matmul, np.full(1, np.inf)

    def flagged(*operands: object, out: object = None) -> object:
        np.subtract(infinite, infinite)
        return multiply(*operands, out=out)

    monkeypatch.setattr(np, "matmul", flagged)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        np.matmul(np.ones((1, 1)), np.ones((1, 1)))
    a, b = np.full((3, 5), 7, np.int8), np.full((5, 2), -9, np.int8)
    assert (matmul(a, b) == -315).all()
