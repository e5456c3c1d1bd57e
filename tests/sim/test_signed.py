"""Signed arithmetic of Verilated models, with our run-time functions, against exact integers."""

import itertools
from collections.abc import Iterator

import pytest

from bitwright.sim.model import VerilatedModel

WIDTHS = (1, 2, 8, 13, 16, 31, 32, 33, 48, 63, 64)

UNIT = """
  output [{w}-1:0] product_{w}, output signed [63:0] wide_{w}, output signed [31:0] word_{w},
  output [3:0] compared_{w}"""
UNIT_BODY = """
  wire signed [{w}-1:0] a_{w} = a[{w}-1:0], b_{w} = b[{w}-1:0];
  assign product_{w} = a_{w} * b_{w};
  assign wide_{w} = a_{w};
  assign word_{w} = a_{w};
  assign compared_{w} = {{a_{w} > b_{w}, a_{w} >= b_{w}, a_{w} < b_{w}, a_{w} <= b_{w}}};
"""


@pytest.fixture(scope="module")
def signs() -> Iterator[VerilatedModel]:
    ports = ",".join(UNIT.format(w=width) for width in WIDTHS)
    body = "".join(UNIT_BODY.format(w=width) for width in WIDTHS)
    text = f"module signs(input clk, input [63:0] a, input [63:0] b,{ports});{body}endmodule"
    with VerilatedModel.build(text, optimize=2) as model:
        yield model


@pytest.mark.parametrize("width", WIDTHS)
def test_signed_operations_are_exact(signs: VerilatedModel, width: int) -> None:
    edge, mask = 1 << (width - 1), (1 << width) - 1
    values = {n for n in (-edge, -edge + 1, -3, -1, 0, 1, 2, 5, edge - 1) if -edge <= n < edge}
    for a, b in itertools.product(values, values):
        signs.io.a, signs.io.b = a & mask, b & mask
        signs.eval()
        got = {
            name: signs.io[f"{name}_{width}"] for name in ("product", "wide", "word", "compared")
        }
        assert got == {
            "product": a * b & mask,
            "wide": a % (1 << 64),
            "word": a % (1 << 32),
            "compared": (a > b) << 3 | (a >= b) << 2 | (a < b) << 1 | (a <= b),
        }, (a, b)
