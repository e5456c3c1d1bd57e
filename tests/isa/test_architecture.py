"""An architecture that cannot be built is refused by its key; another keeps its identity."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from bitwright.isa import Architecture, ArchitectureError

ROUNDINGS = "half_up, half_even, half_away, floor, trunc"
REFUSED = {
    "name": [("", "text"), (8, "text")],
    "rows": [(3, "a power of two in 2..32"), (64, "a power of two in 2..32")],
    "columns": [(1, "a power of two in 2..32"), ("8", "a power of two in 2..32")],
    "accumulator_bits": [(15, "in 16..32"), (33, "in 16..32")],
    "multiplier_bits": [(7, "in 8..31"), (16.0, "in 8..31")],
    "residual_bits": [(7, "0 or in 8..31"), (-1, "0 or in 8..31")],
    "roundings": [
        ((), f"a list of one or more of {ROUNDINGS}"),
        (("half_up", "up"), f"a list of one or more of {ROUNDINGS}"),
        ("half_up", f"a list of one or more of {ROUNDINGS}"),
    ],
    "activation_words": [(100, "a power of two in 64..1048576")],
    "weight_words": [(32, "a power of two in 64..1048576")],
    "parameter_records": [(0, "a power of two in 16..65536")],
    "line_words": [(8, "0 or in 16..1024"), (True, "0 or in 16..1024")],
    "huffman": [(1, "true or false")],
    "xnor": [("true", "true or false")],
    "execute_instructions": [(8192, "a power of two in 16..4096")],
    "fetch_instructions": [(15, "a power of two in 16..4096")],
    "pe_multiplier": [("wallace", "one of twin, dsp, lut"), (["twin"], "one of twin, dsp, lut")],
    "pe_dsps": [(1025, "in 0..1024"), (False, "in 0..1024")],
    "lane_multiplier": [("twin", "one of dsp, lut")],
}


def test_every_key_refuses_something() -> None:
    assert list(REFUSED) == [field.name for field in fields(Architecture)]


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [(key, *case) for key, cases in REFUSED.items() for case in cases],
)
def test_a_value_is_refused_with_its_key_and_what_is_accepted(
    key: str, value: object, accepted: str
) -> None:
    with pytest.raises(ArchitectureError) as error:
        Architecture(**{key: value})
    assert str(error.value) == f"{key} must be {accepted}, got {value!r}"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"rows": 2, "columns": 2},
            "the larger of rows and columns must be at least 4, got 2x2",
        ),
        (
            {"rows": 4, "columns": 4, "xnor": True},
            "xnor = true needs rows == columns, a multiple of 8, got 4x4",
        ),
        (
            {"rows": 16, "xnor": True},
            "xnor = true needs rows == columns, a multiple of 8, got 16x8",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys: dict[str, int], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Architecture(**keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"rows": 2, "columns": 32},
        {"residual_bits": 0, "line_words": 0},
        {"residual_bits": 31, "line_words": 1024},
        {"accumulator_bits": 16, "multiplier_bits": 8, "pe_dsps": 0},
        {"roundings": ("trunc", "half_even")},
    ],
)
def test_the_ends_of_what_is_accepted_are(keys: dict[str, object]) -> None:
    made = Architecture(**keys)
    assert Architecture.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"rows = ", "not valid TOML"),
        (b"name = '\xff'", "not valid TOML"),
        (b"rowz = 8", "unknown key 'rowz'; known are accumulator_bits, "),
        (b"roundings = 'half_up'", "roundings must be a list of one or more of "),
        (b"rows = 12", "rows must be a power of two in 2..32, got 12"),
    ],
)
def test_an_error_in_a_file_names_it(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(ArchitectureError) as error:
        Architecture.load(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_file_gives_its_name_and_every_key_counts_but_that(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("roundings = ['floor']\n")
    loaded = Architecture.load(path)
    assert loaded == Architecture(name="mine", roundings=("floor",))
    assert loaded.hash == replace(loaded, name="other").hash
    assert loaded.hash != replace(loaded, pe_dsps=511).hash
