import pytest
import torch

from bitwright.compress.augment import Augmentation


def spot(row: int, column: int) -> torch.Tensor:
    """200 images of 9 x 9 with one pixel lit."""
    images = torch.zeros(200, 1, 9, 9)
    images[:, :, row, column] = 1
    return images


def centres(images: torch.Tensor) -> torch.Tensor:
    """(N, 2): the mean row and column of what is lit."""
    places = torch.arange(9.0)
    total = images.sum(dim=(1, 2, 3))
    rows = (images.sum(dim=(1, 3)) * places).sum(dim=1) / total
    columns = (images.sum(dim=(1, 2)) * places).sum(dim=1) / total
    return torch.stack([rows, columns], dim=1)


def test_nothing_leaves_the_images_as_they_are() -> None:
    images = torch.rand(7, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(Augmentation().apply(images), images, atol=1e-5)


def test_shift_moves_as_far_as_it_may() -> None:
    torch.manual_seed(1)
    moved = centres(Augmentation(shift=2).apply(spot(4, 4))) - 4
    for axis in (0, 1):
        assert 1.8 < moved[:, axis].max() <= 2.001
        assert -2.001 <= moved[:, axis].min() < -1.8
    # Each axis by itself.
    assert abs(torch.corrcoef(moved.T)[0, 1]) < 0.2


def test_angle_and_zoom_leave_the_centre() -> None:
    torch.manual_seed(2)
    moved = Augmentation(angle=20, zoom=0.2).apply(spot(4, 4))
    assert torch.allclose(centres(moved), torch.full((200, 2), 4.0), atol=1e-4)


def test_angle_turns_both_ways() -> None:
    torch.manual_seed(3)
    moved = centres(Augmentation(angle=20).apply(spot(4, 7)))[:, 0] - 4  # the row, on the right
    assert 0.8 < moved.max() < 2.3
    assert -2.3 < moved.min() < -0.8


def test_chunks_leave_no_image_out() -> None:
    images = torch.ones(5001, 1, 3, 3)
    assert torch.allclose(Augmentation().apply(images), images, atol=1e-5)


def test_random_numbers_are_torchs() -> None:
    images = torch.rand(4, 1, 8, 8)
    torch.manual_seed(4)
    first = Augmentation(shift=1, angle=5, zoom=0.1).apply(images)
    second = Augmentation(shift=1, angle=5, zoom=0.1).apply(images)
    torch.manual_seed(4)
    assert torch.equal(Augmentation(shift=1, angle=5, zoom=0.1).apply(images), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shift": -1}, "shift must not be negative, but is -1"),
        ({"angle": 46}, "angle may be 45 degrees and zoom 0.5 at most, not 46"),
        ({"zoom": 0.6}, "zoom 0.5 at most, not 0.0 and 0.6"),
    ],
)
def test_what_is_no_augmentation(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)
