import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from tests.arith import oracle

from bitwright.arith import build_lookup, parse
from bitwright.arith.lookup import Function, exp, gelu, sigmoid, tanh

SCALAR: list[tuple[Function, Callable[[float], float]]] = [
    (sigmoid, lambda x: 1 / (1 + math.exp(-x))),
    (tanh, math.tanh),
    (gelu, lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    (exp, math.exp),
]


@pytest.mark.parametrize(("function", "scalar"), SCALAR, ids=lambda f: f.__name__)
@pytest.mark.parametrize("zero_point", [0, -30])
def test_int8_tables_are_the_function_rounded(
    function: Function, scalar: Callable[[float], float], zero_point: int
) -> None:
    source = parse("int8").encode([0.0], scale=1 / 16, zero_point=zero_point)
    found = build_lookup(function, source, parse("int8"), scale=1 / 64, zero_point=-20)
    codes = np.arange(-128, 128)
    wanted = [
        oracle.encoded(scalar((int(code) - zero_point) / 16), 1 / 64, -20, -128, 127)
        for code in codes
    ]
    assert found.apply(codes).tolist() == wanted


def test_a_tie_goes_to_the_even_code_and_the_ends_saturate() -> None:
    source = parse("fix8.1").encode([0.0])
    found = build_lookup(lambda x: x, source, parse("int4"), scale=1.0)
    assert found.apply([1, 3, -1, -3, 127, -128]).tolist() == [0, 2, 0, -2, 7, -8]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("e4m3", {}),
        ("fp8_e5m2", {}),
        ("fix8.7", {}),
        ("uint8", {"scale": 1 / 100, "zero_point": 128}),
        ("codebook4", {"centroids": [-1.0, -0.5, 0.5, 1.0]}),
        ("pow4", {"scale": 1.0}),
        ("binary", {}),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "source", ["int16", "uint4", "e4m3", "fp8_e4m3", "dmf_e4m3", "pow4", "binary", "codebook16"]
)
def test_every_scalar_format_can_be_tabulated(
    source: str, target: str, options: dict[str, object]
) -> None:
    encoded = parse(source).encode(np.linspace(-3, 3, 40))
    found = build_lookup(tanh, encoded, parse(target), **options)
    wanted = parse(target).encode(np.tanh(encoded.decode()), **options)
    assert found.apply(encoded.codes).tolist() == wanted.codes.tolist()


def test_infinite_codes_have_outputs_and_nan_has_none() -> None:
    found = build_lookup(sigmoid, parse("fp8_e5m2").encode([0.0]), parse("fix8.6"))
    assert found.apply([0x7C, 0xFC]).tolist() == [64, 0]
    with pytest.raises(ValueError, match=r"code 0x7d at index \(1,\) is NaN"):
        found.apply([0, 0x7D])


def test_gelu_of_the_extremes_is_a_number() -> None:
    ends = np.array([-np.inf, -1e300, 0.0, 1e300, np.inf])
    assert gelu(ends)[:3].tolist() == [0, 0, 0]
    assert (gelu(ends)[3:] > 1e299).all()


def test_what_has_no_table_is_refused() -> None:
    x = np.ones((2, 32))
    int8 = parse("int8")
    for source, target, message in [
        (parse("bfp8_b16").encode(x), int8, "no value without its block"),
        (int8.encode(x), parse("nvfp4"), "no value without its block"),
        (int8.encode(x, channel_axis=0), int8, "int8 here has one per channel"),
        (parse("fix24.0").encode(x), int8, "up to 16 bits, not fix24.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            build_lookup(tanh, source, target)
    with pytest.raises(ValueError, match=r"gives NaN for code -128, which is -128\.0"):
        build_lookup(np.log, int8.encode(x, scale=1.0), int8)
    with pytest.raises(ValueError, match=r"int8 codes must lie in -128\.\.127, but 128"):
        build_lookup(tanh, int8.encode(x), int8).apply([128])


def test_the_table_rounds_the_exact_quotient() -> None:
    source = parse("int4").encode([0.0], scale=1.0)
    step = 0.1  # no float: 0.25 / step is beside the tie 2.5
    found = build_lookup(lambda x: x / 4, source, parse("int8"), scale=step)
    wanted = [
        oracle.rounded(Fraction(code, 4) / Fraction(step), "half_even") for code in range(-8, 8)
    ]
    assert found.table.codes.tolist() == wanted
