"""Labelled images: what every loader gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Images and their labels, in a fixed order."""

    pixels: NDArray[np.uint8]
    """(N, C, H, W), each 0 .. full_scale."""
    labels: NDArray[np.int64]
    """(N,)."""
    full_scale: int = 255
    """The pixel value that `images` gives as 1.0."""

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4:
            raise ValueError(
                f"pixels must be uint8 of shape (N, C, H, W), not {self.pixels.dtype} of shape "
                f"{self.pixels.shape}"
            )
        if self.labels.shape != (len(self.pixels),):
            raise ValueError(
                f"{len(self.pixels)} images need as many labels, not shape {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.float32]:
        """pixels / full_scale: (N, C, H, W), float32 in 0 .. 1; made anew at every access."""
        return self.pixels.astype(np.float32) / np.float32(self.full_scale)

    def take(self, count: int) -> "Split":
        """The first ``count`` images; an error if there are fewer."""
        if not 0 <= count <= len(self):
            raise ValueError(f"asked for {count} images, but the split has {len(self)}")
        return Split(
            pixels=self.pixels[:count], labels=self.labels[:count], full_scale=self.full_scale
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """A data set in three disjoint splits: fit on train, choose on validation, report on test."""

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.test.pixels.shape[1:]
        return channels, height, width
