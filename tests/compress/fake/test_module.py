"""FakeQuantize as a module: arguments, mistakes, repr, copies and state."""

import copy
import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.compress.fake import names

from bitwright.arith import Format, parse
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.fake.catalogue import twin_class

ONES = torch.ones(3, 4)


def with_nan(*index: int) -> torch.Tensor:
    x = torch.ones(3, 4)
    x[index] = float("nan")
    return x


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: FakeQuantize("int99"), ValueError, "impossible format 'int99'"),
        (lambda: FakeQuantize(8), TypeError, "fmt must be a format or its name, not int"),
        (lambda: FakeQuantize("e4m3", scale=1.0), ValueError, "e4m3 has no scale"),
        (lambda: FakeQuantize("int8", centroids=[1.0]), ValueError, "int8 has no centroids"),
        (lambda: FakeQuantize("bfp8_b16", channel_axis=0), ValueError, "has no channel_axis"),
        (lambda: FakeQuantize("nvfp4", learned=True), ValueError, "no scale or centroids to learn"),
        (lambda: FakeQuantize("int8", scale=-1.0), ValueError, "scale must be positive and normal"),
        (lambda: FakeQuantize("int8", scale=1e38), ValueError, "makes values of int8 overflow"),
        (lambda: FakeQuantize("int8", scale=[1.0, 2.0]), ValueError, "unless channel_axis is"),
        (lambda: FakeQuantize("int8", zero_point=1), ValueError, "zero_point needs a scale"),
        (lambda: FakeQuantize("int8", scale=1, zero_point=200), ValueError, "lie in -128..127"),
        (lambda: FakeQuantize("uint8", narrow=True), ValueError, "narrow is for signed codes"),
        (lambda: FakeQuantize("pow4", scale=0.3), ValueError, "must be a power of two"),
        (lambda: FakeQuantize("binary", scale="row"), ValueError, "unknown scale 'row'"),
        (lambda: FakeQuantize("codebook4", centroids=[1.0]), ValueError, "has 4 centroids"),
        (lambda: FakeQuantize("int8", learned=True, channel_axis=0), ValueError, "channels must"),
        (lambda: FakeQuantize("int8", channels=3), ValueError, "channels counts those of"),
        (lambda: FakeQuantize("int8", scale=1.0).initialize(ONES), ValueError, "nothing is learn"),
        (lambda: FakeQuantize("e4m3")(ONES.half()), TypeError, "takes torch.float32 or torch.fl"),
        (lambda: FakeQuantize("int8")(ONES.double()), TypeError, "int8 takes torch.float32, not"),
        (lambda: FakeQuantize("int8")(ONES.long()), TypeError, "not torch.int64"),
        (lambda: FakeQuantize("bfp8_b16", 2)(ONES), ValueError, "axis must lie in -2..1"),
        (lambda: FakeQuantize("int8", channel_axis=2)(ONES), ValueError, "channel_axis must lie"),
        (
            lambda: FakeQuantize("int8", channel_axis=0, scale=[1.0, 2.0])(ONES),
            ValueError,
            "axis 0 must have the 2 channels of the module, but has 3",
        ),
        (lambda: FakeQuantize("uint8")(ONES * 3.4e38 * torch.tensor([-1, 1, 1, 1])), ValueError,
         "makes values of uint8 overflow"),
        (lambda: FakeQuantize("int8", narrow=False)(ONES * 3.4e38), ValueError,
         "makes values of int8 overflow"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", names.EVERY)
def test_nan_is_refused_with_its_first_index(name: str) -> None:
    x = with_nan(1, 2)
    x[2, 0] = float("nan")
    with pytest.raises(ValueError, match=r"x is NaN at index \(1, 2\); NaN has no code"):
        FakeQuantize(name)(x)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (FakeQuantize("bfp8_b16", 1), "FakeQuantize(bfp8_b16, axis=1)"),
        (FakeQuantize(parse("int8"), scale=0.5), "FakeQuantize(int8, scale=0.5)"),
        (
            FakeQuantize("int4", channel_axis=0, channels=9, learned=True, narrow=True),
            "FakeQuantize(int4, channel_axis=0, channels=9, narrow=True, learned=True)",
        ),
        (
            FakeQuantize("int8", channel_axis=1, scale=np.full(5, 0.5), zero_point=np.full(5, 3)),
            "FakeQuantize(int8, channel_axis=1, scale=<5 numbers>, zero_point=<5 numbers>)",
        ),
        (
            FakeQuantize("uint8", observer="average"),
            "FakeQuantize(uint8, observer=MovingAverage(momentum=0.01), state=fake)",
        ),
        (
            FakeQuantize("codebook2", centroids=[1.0, -1.0]),
            "FakeQuantize(codebook2, centroids=[1.0, -1.0])",
        ),
        (
            FakeQuantize("binary", scale="channel"),
            "FakeQuantize(binary, channel_axis=0, scale=channel)",
        ),
    ],
)
def test_repr_tells_all(module: FakeQuantize, expected: str) -> None:
    assert repr(module) == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: FakeQuantize("int4", learned=True),
        lambda: FakeQuantize("int4", channel_axis=0, channels=3, scale=2.0, learned=True),
        lambda: FakeQuantize("codebook4", learned=True),
        lambda: FakeQuantize("uint8", scale=0.1, zero_point=7),
        lambda: FakeQuantize("uint8", channel_axis=1, channels=4, observer="percentile"),
        lambda: FakeQuantize("mxfp4_e2m1"),
    ],
)
def test_state_dict_and_copies_give_the_same_values(make: Callable[[], FakeQuantize]) -> None:
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    module = make()
    expected = module(x)
    module.eval()
    saved = io.BytesIO()
    torch.save(module.state_dict(), saved)
    saved.seek(0)
    loaded = make().eval()
    loaded.load_state_dict(torch.load(saved, weights_only=True))
    # Another first tensor would set a learned parameter otherwise, were its state not loaded.
    loaded(7 * x)
    for other in (loaded, copy.deepcopy(module)):
        assert torch.equal(other(x), expected)


def test_every_family_of_formats_has_a_twin() -> None:
    for name in names.many_names():
        twin_class(parse(name))


def test_format_without_a_twin_is_refused() -> None:
    class Strange(Format[None]):
        def __str__(self) -> str:
            return "strange"

    Strange.__abstractmethods__ = frozenset()
    with pytest.raises(TypeError, match="strange has no torch side"):
        twin_class(Strange())
