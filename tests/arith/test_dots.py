"""`dot` and `matmul` of every pair of formats against the law in rationals."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import oracle, rational_dots
from tests.arith.rational_dots import REPRESENTATIVES

from bitwright.arith import Encoded, contraction, dot, matmul, parse, rounded_sums
from bitwright.arith.operand import operand

K = 70  # two blocks of 32 and a short one; four of 16 and a short one
LSB = -6
PAIRS = list(product(REPRESENTATIVES, REPRESENTATIVES))


def data(seed: int, rows: int, k: int = K) -> NDArray[np.float32]:
    """Numbers whose blocks differ in size, with zeros and a block of zeros."""
    rng = np.random.default_rng(seed)
    sizes = np.repeat(2.0 ** rng.integers(-5, 4, (rows, -(-k // 8))), 8, axis=1)[:, :k]
    x = rng.normal(size=(rows, k)) * sizes
    x[rng.random(x.shape) < 0.1] = 0
    x[0, 16:32] = 0
    return x.astype(np.float32)


def encoded(name: str, seed: int, rows: int) -> Encoded[Any]:
    return parse(name).encode(data(seed, rows))


def needed(a: Encoded[Any], b: Encoded[Any]) -> int | None:
    """The lsb if this pair must have one, else None."""
    left, right = rational_dots.numbers(a), rational_dots.numbers(b)
    if left.block or right.block or rational_dots.too_wide(left, right, K):
        with pytest.raises(ValueError, match="give lsb"):
            dot(a, b)
        return LSB
    return None


def expected(a: Encoded[Any], b: Encoded[Any], lsb: int | None) -> NDArray[np.object_]:
    left, right = rational_dots.numbers(a), rational_dots.numbers(b)
    k = a.codes.shape[-1]
    together = rational_dots.rounded_together(left, right, k, lsb)
    unit = left.step * right.step if lsb is None else Fraction(2) ** lsb
    return np.array(
        [
            [rational_dots.dot(list(x), list(y), together, unit) for y in right.values]
            for x in left.values
        ],
        object,
    )


@pytest.mark.parametrize("seed", [1], ids="seed{}".format)
@pytest.mark.parametrize(("name_a", "name_b"), PAIRS)
def test_every_pair_is_the_law_in_rationals(name_a: str, name_b: str, seed: int) -> None:
    a, b = encoded(name_a, seed, 3), encoded(name_b, seed + 1000, 4)
    lsb = needed(a, b)
    found = dot(a, b, lsb=lsb)
    assert np.array_equal(found.acc, expected(a, b, lsb))
    assert found.acc.dtype == np.int64
    assert np.abs(found.acc).max() <= found.bound


@pytest.mark.parametrize("lsb", [-300, -9, -2, 3, 300], ids="lsb{}".format)
@pytest.mark.parametrize(
    ("name_a", "name_b"),
    [
        ("int8", "int8"),
        ("fix8.7", "ufix5.-2"),
        ("e4m3", "fp8_e4m3"),
        ("e5m2", "e5m2"),
        ("e8m7", "pow8"),
        ("bfp8_b16", "bfp8_b16"),
        ("mxint8", "bl4_b8"),
        ("nvfp4", "mxfp4_e2m1"),
        ("mxfp8_e5m2", "mxfp8_e4m3"),
        ("bl8_b16", "int8"),
    ],
)
def test_any_lsb_is_the_law_or_refused(name_a: str, name_b: str, lsb: int) -> None:
    a, b = encoded(name_a, 3, 2), encoded(name_b, 4, 2)
    wanted = expected(a, b, lsb)
    if max(abs(int(acc)) for acc in wanted.flat) >= 1 << 63:
        with pytest.raises(ValueError, match=r"in units of 2\^-300 need more than 64 bits; lsb=-?"):
            dot(a, b, lsb=lsb)
    else:
        assert np.array_equal(dot(a, b, lsb=lsb).acc, wanted)


@pytest.mark.parametrize("seed", [7], ids="seed{}".format)
@pytest.mark.parametrize(("name_a", "name_b"), PAIRS)
def test_permuting_and_splitting_change_nothing(name_a: str, name_b: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = encoded(name_a, seed, 3), encoded(name_b, seed + 1000, 4)
    lsb = needed(a, b)
    whole = dot(a, b, lsb=lsb).acc
    blocks = [block for block in (block_of(a), block_of(b)) if block]
    order = permutation(rng, coarse=max(blocks, default=1), fine=min(blocks, default=1))
    assert np.array_equal(dot(taken(a, order), taken(b, order), lsb=lsb).acc, whole)

    cut = max(blocks, default=1)
    places = sorted({0, K, *(int(p) * cut for p in rng.integers(0, K // cut + 1, 3))})
    parts = [np.arange(i, j) for i, j in pairwise(places)]
    split = [dot(taken(a, part), taken(b, part), lsb=lsb).acc for part in parts]
    assert np.array_equal(sum(split), whole)


def block_of(array: Encoded[Any]) -> int | None:
    return 16 if str(array.format) == "nvfp4" else getattr(array.format, "block", None)


def permutation(rng: np.random.Generator, coarse: int, fine: int) -> NDArray[np.int64]:
    """Shuffle the full coarse blocks, and the elements of each fine block."""
    full = K // coarse
    order = np.concatenate(
        [
            *(np.arange(i * coarse, (i + 1) * coarse) for i in rng.permutation(full)),
            np.arange(full * coarse, K),
        ]
    )
    for start in range(0, K, fine):
        rng.shuffle(order[start : start + fine])
    return order


def taken(array: Encoded[Any], order: NDArray[np.int64]) -> Encoded[Any]:
    """The elements of whole blocks along the last axis, in another order."""
    shared, block = array.shared, block_of(array)
    if block:
        which = order[::block] // block
        part = "block_codes" if str(array.format) == "nvfp4" else "exponents"
        shared = replace(shared, **{part: getattr(shared, part)[:, which]})
    return replace(array, codes=array.codes[:, order], shared=shared)


@pytest.mark.parametrize(("name_a", "name_b"), PAIRS)
def test_float_and_integer_paths_agree(
    name_a: str, name_b: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = encoded(name_a, 5, 40), encoded(name_b, 6, 50)
    fast = dot(a, b, lsb=LSB).acc
    monkeypatch.setattr(rounded_sums, "FLOAT64_LIMIT", 0)
    assert np.array_equal(dot(a, b, lsb=LSB).acc, fast)


def test_sums_beyond_float64_take_the_integer_path() -> None:
    a, b = encoded("fp8_e5m2", 5, 3), encoded("mxfp8_e5m2", 6, 3)
    lsb = -50
    found = dot(a, b, lsb=lsb)
    assert found.bits > 53
    assert np.array_equal(found.acc, expected(a, b, lsb))


@pytest.mark.parametrize(
    ("bits", "lsb", "k"),
    [
        (31, 12, 16),  # products beyond 2^53: in float64 they would round twice
        (27, 1, 70),  # rounded products up to 2^51, sums beyond 2^53
    ],
)
def test_what_float64_does_not_hold_is_added_in_integers(bits: int, lsb: int, k: int) -> None:
    fmt = parse(f"fix{bits}.0")
    x, y = np.random.default_rng(bits).integers(7 << bits - 4, 1 << bits - 1, (2, 9, k))
    wanted = [
        [sum(oracle.rounded(Fraction(int(p), 1 << lsb), "half_even") for p in u * v) for v in y]
        for u in x
    ]
    assert dot(fmt.encode(x), fmt.encode(y), lsb=lsb).acc.tolist() == wanted


def test_one_rounded_product_beyond_2_to_51_keeps_its_last_bit() -> None:
    fmt = parse("fix28.0")
    a, b = (1 << 26) + 2, (1 << 26) + 1
    assert dot(fmt.encode([a]), fmt.encode([b]), lsb=1).acc == a * b // 2


def test_a_tie_goes_to_even_in_both_directions() -> None:
    fmt = parse("e4m3")
    ones = fmt.encode([1.0])
    for value, acc in [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (0.625, 1)]:
        assert dot(fmt.encode([value]), ones, lsb=0).acc == acc


def test_a_block_rounds_once_and_products_each() -> None:
    halves, ones = [0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0]
    block, scalar = parse("bfp8_b4"), parse("e4m3")
    assert dot(block.encode(halves), block.encode(ones), lsb=0).acc == 2
    assert dot(scalar.encode(halves), scalar.encode(ones), lsb=0).acc == 0


def test_the_finer_blocks_divide_the_coarser() -> None:
    fine, coarse = parse("bfp8_b2"), parse("bfp8_b4")
    x = [0.5, 0.0, 0.0, 0.5]
    ones = [1.0, 1.0, 1.0, 1.0]
    assert dot(coarse.encode(x), coarse.encode(ones), lsb=0).acc == 1
    assert dot(fine.encode(x), coarse.encode(ones), lsb=0).acc == 0
    assert dot(coarse.encode(x), fine.encode(ones), lsb=0).acc == 0
    with pytest.raises(ValueError, match=r"bfp8_b4 x bfp8_b6 do not fit: 4 does not divide 6"):
        dot(coarse.encode(x), parse("bfp8_b6").encode(ones), lsb=0)


def test_real_scales_stay_outside() -> None:
    a = parse("int8").encode(data(1, 3), channel_axis=0)
    b = parse("ternary").encode(data(2, 4), scale="channel")
    found = dot(a, b)
    values = a.decode().astype(np.float64) @ b.decode().astype(np.float64).T
    assert found.scale_a.shape == (3, 1)
    assert found.scale_b.shape == (4,)
    assert np.allclose(found.decode(), values, rtol=1e-6)
    assert np.array_equal(found.acc, a.codes.astype(int) @ b.codes.astype(int).T)


@pytest.mark.parametrize("name", ["int8", "e5m2", "bfp8_b16", "nvfp4", "pow4"])
def test_values_are_within_the_roundings(name: str) -> None:
    a, b = (parse(name).encode(data(seed, 5).astype(np.float64)) for seed in (1, 2))
    found = dot(a, b, lsb=-20)
    scale = float(np.max(found.scale_a) * np.max(found.scale_b))
    error = np.abs(found.decode() - a.decode() @ b.decode().T)
    assert error.max() <= K * 2.0**-21 * scale + 1e-9


@pytest.mark.parametrize("name", ["int8", "e4m3", "e5m2", "bfp8_b16", "nvfp4", "mxint8"])
@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [
        ((K,), (K,)),
        ((3, K), (K,)),
        ((K,), (K, 2)),
        ((4, 3, K), (K, 2)),
        ((2, 3, K), (2, K, 4)),
        ((2, 1, 3, K), (5, K, 4)),
        ((K,), (2, K, 4)),
        ((0, K), (K, 2)),
    ],
    ids=str,
)
def test_matmul_has_the_shapes_of_numpy(
    name: str, shape_a: tuple[int, ...], shape_b: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape_a), rng.normal(size=shape_b)
    a = parse(name).encode(x)
    b = parse(name).encode(y, axis=-2 if y.ndim > 1 else -1)
    found = matmul(a, b, lsb=-25)
    exact = np.matmul(a.decode().astype(np.float64), b.decode().astype(np.float64))
    assert found.acc.shape == found.decode().shape == exact.shape
    scale = float(np.max(found.scale_a) * np.max(found.scale_b))
    assert np.allclose(found.decode(), exact, rtol=1e-6, atol=K * 2.0**-26 * scale + 1e-6)


def test_matmul_is_dot_with_the_second_operand_turned() -> None:
    x, y = data(1, 3), data(2, 4)
    for name in REPRESENTATIVES:
        fmt = parse(name)
        turned = matmul(fmt.encode(x), fmt.encode(y.T, axis=0), lsb=LSB)
        assert np.array_equal(turned.acc, dot(fmt.encode(x), fmt.encode(y), lsb=LSB).acc), name


def test_matmul_of_stacks_is_that_of_their_matrices() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, K)), rng.normal(size=(5, 2, K, 4))
    fmt = parse("bfp8_b16")
    b = fmt.encode(y, axis=-2)
    found = matmul(fmt.encode(x), b, lsb=LSB)
    for i, j in np.ndindex(5, 2):
        one = matmul(fmt.encode(x[j]), fmt.encode(y[i, j], axis=0), lsb=LSB)
        assert np.array_equal(found.acc[i, j], one.acc)


@pytest.mark.parametrize(("name", "code"), [("fp8_e4m3", 0x7F), ("fp8_e5m2", 0xFC)])
def test_codes_that_are_no_numbers_are_named(name: str, code: int) -> None:
    a, b = encoded(name, 1, 3), encoded("int8", 2, 3)
    a.codes[1, 4] = code
    with pytest.raises(ValueError, match=rf"a \({name}\) has code {code:#x}, .*at index \(1, 4\)"):
        dot(a, b)


def test_a_missing_lsb_is_asked_for_with_a_proposal_that_works() -> None:
    a, b = encoded("e5m2", 1, 3), encoded("e5m2", 2, 3)
    with pytest.raises(ValueError, match=r"need 73 bits.*each product.*lsb=(-?\d+) keeps"):
        dot(a, b)
    a, b = encoded("bfp8_b16", 1, 3), encoded("int8", 2, 3)
    with pytest.raises(ValueError, match=r"exponents of their own.*each block.*lsb=(-?\d+)") as e:
        dot(a, b)
    proposed = int(str(e.value).split("lsb=")[1].split()[0])
    assert dot(a, b, lsb=proposed).bits <= 32 < dot(a, b, lsb=proposed - 1).bits


def test_operands_that_do_not_fit_are_refused() -> None:
    bfp, int8 = parse("bfp8_b16"), parse("int8")
    x = data(1, 4, 8)
    with pytest.raises(ValueError, match=r"blocks of b \(bfp8_b16\) run along axis 0, but axis 1"):
        dot(bfp.encode(x), bfp.encode(x, axis=0), lsb=0)
    with pytest.raises(ValueError, match=r"scale of a \(int8\) changes along axis 1"):
        dot(int8.encode(x, channel_axis=1), int8.encode(x))
    with pytest.raises(ValueError, match="last axes of a and b must match"):
        dot(int8.encode(x), int8.encode(x[:, 1:]))
    with pytest.raises(ValueError, match="lsb must lie in"):
        dot(int8.encode(x), int8.encode(x), lsb=1000)
    with pytest.raises(TypeError, match="not one of each"):
        matmul(int8.encode(x), x.T.astype(int))  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="integers is exact and takes no lsb"):
        matmul(np.ones((1, 1), int), np.ones((1, 1), int), lsb=0)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("int8", "exact"),
        ("fp8_e4m3", "exact"),
        ("e5m2", "products"),
        ("bl8_b16", "products"),
        ("bfp16_b128", "blocks"),
        ("mxfp8_e4m3", "blocks"),
        ("mxfp8_e5m2", "products"),
    ],
)
def test_the_formats_alone_choose_the_rule(name: str, rule: str) -> None:
    empty = operand("a", parse(name).encode(np.zeros(0)), 0)
    assert contraction.Law.of(empty, empty, 64, None).rule.value == rule
