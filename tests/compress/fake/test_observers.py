"""What observers find, and what a module does in each of its states."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from bitwright.arith import parse
from bitwright.compress.fake import FakeQuantize, MinMax, MovingAverage, Percentile, State

FIRST = torch.tensor([[-1.0, 2.0, 0.5], [0.25, 0.5, 4.0]])
SECOND = torch.tensor([[-3.0, 1.0, 0.5], [-0.5, 0.0, float("inf")]])


def watched(module: FakeQuantize, *batches: Tensor) -> FakeQuantize:
    module.observe()
    for batch in batches:
        assert module(batch) is batch
    module.freeze()
    return module


def test_minmax_covers_all_finite_numbers_of_all_batches() -> None:
    module = watched(FakeQuantize("int8", observer="minmax"), FIRST, SECOND)
    assert (module.low.item(), module.high.item(), module.batches.item()) == (-3.0, 4.0, 2)


def test_minmax_per_channel() -> None:
    module = FakeQuantize("int8", channel_axis=0, channels=2, observer=MinMax())
    watched(module, FIRST, SECOND)
    assert module.low.tolist() == [-3.0, -0.5]
    assert module.high.tolist() == [2.0, 4.0]


def test_moving_average_starts_at_the_first_batch() -> None:
    module = watched(FakeQuantize("int8", observer=MovingAverage(0.25)), FIRST)
    assert (module.low.item(), module.high.item()) == (-1.0, 4.0)
    watched(module, SECOND)
    assert (module.low.item(), module.high.item()) == (-1.5, 3.25)


def test_percentile_leaves_out_rare_extremes() -> None:
    x = torch.arange(-500, 500).float()
    x[3], x[-2] = -1e6, 1e6
    module = watched(FakeQuantize("int8", observer=Percentile(99.0)), x, 3 * x)
    # The 990th of 1000 is 490 without the outlier, whose own place is taken by the next: 490.
    ascending = np.sort(x.numpy())
    assert module.high.item() == 2 * ascending[989]
    assert module.low.item() == 2 * ascending[10]


@pytest.mark.parametrize(("batch", "high"), [(FIRST, 4.0), (SECOND, 1.0)], ids=["finite", "inf"])
def test_percentile_of_a_hundred_is_the_whole_range(batch: Tensor, high: float) -> None:
    module = watched(FakeQuantize("int8", observer=Percentile(100.0)), batch)
    assert (module.low.item(), module.high.item()) == (batch.min().item(), high)


@pytest.mark.parametrize("name", ["int8", "uint8", "int4", "pow4", "codebook16"])
def test_observed_range_of_one_tensor_is_what_numpy_derives_from_it(name: str) -> None:
    x = torch.randn(7, 31, generator=torch.Generator().manual_seed(1))
    module = watched(FakeQuantize(name, observer="minmax"), x)
    assert np.array_equal(module(x).numpy(), parse(name).quantize(x.numpy()))


@pytest.mark.parametrize("name", ["int8", "uint8", "pow4"])
def test_observed_range_of_channels_is_what_numpy_derives(name: str) -> None:
    x = torch.randn(7, 31, generator=torch.Generator().manual_seed(2))
    module = watched(FakeQuantize(name, channel_axis=-1, channels=31, observer="minmax"), x)
    expected = parse(name).quantize(x.numpy(), channel_axis=-1)
    assert np.array_equal(module(x).numpy(), expected)


def test_fake_watches_in_training_mode_alone() -> None:
    module = FakeQuantize("int8", observer="minmax")
    assert module.state is State.FAKE
    module(FIRST)
    module.eval()
    module(10 * FIRST)
    assert module.high.item() == 4.0
    module.train()
    module(10 * FIRST)
    assert module.high.item() == 40.0


def test_frozen_range_stays_and_numbers_beyond_saturate() -> None:
    module = watched(FakeQuantize("int8", observer="minmax"), FIRST)
    assert module.training
    assert module(100 * FIRST).max().item() == 4.0
    assert module.high.item() == 4.0
    module.unfreeze()
    assert module(100 * FIRST).max().item() == 400.0


@pytest.mark.parametrize("observer", ["minmax", "average", "percentile"])
def test_batch_without_numbers_is_watched(observer: str) -> None:
    module = watched(FakeQuantize("int8", observer=observer), FIRST[:0])
    assert module(FIRST).tolist() == parse("int8").quantize(FIRST.numpy(), scale=1).tolist()


def test_reset_forgets_the_range() -> None:
    module = watched(FakeQuantize("int8", observer="minmax"), FIRST)
    module.reset()
    with pytest.raises(ValueError, match="no range has been observed yet"):
        module(FIRST)


def test_state_dict_holds_range_and_state() -> None:
    module = watched(FakeQuantize("uint4", observer="average"), FIRST, SECOND)
    other = FakeQuantize("uint4", observer="average")
    other.load_state_dict(module.state_dict())
    assert other.state is State.FROZEN
    assert torch.equal(other(SECOND), module(SECOND))
    assert "state=frozen" in repr(other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Percentile(50.0), "above 50 and up to 100, but is 50.0"),
        (lambda: MovingAverage(0.0), "above 0 and up to 1, but is 0.0"),
        (lambda: FakeQuantize("int8", observer="median"), "accepted: minmax, average, percentile"),
        (lambda: FakeQuantize("e4m3", observer="minmax"), "e4m3 takes nothing from a range"),
        (lambda: FakeQuantize("int8", observer="minmax", scale=1.0), "either given, learned or"),
        (lambda: FakeQuantize("int8", observer="minmax", learned=True), "either given, learned"),
        (lambda: FakeQuantize("int8", observer="minmax", channel_axis=0), "channels must say"),
        (lambda: FakeQuantize("int8").freeze(), "nothing is observed by FakeQuantize"),
        (lambda: FakeQuantize("int8").reset(), "nothing is observed by FakeQuantize"),
    ],
)
def test_mistakes_are_explained(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
