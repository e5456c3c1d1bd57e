"""Training images moved a little, so that a network sees none of them twice."""

from dataclasses import dataclass
from math import radians

import torch
from torch import Tensor, nn

_CHUNK = 5000
"""Images moved at once: their sampling grid takes 8 bytes a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far an image is moved at most: uniformly at random, each image by itself."""

    shift: float = 0.0
    """Pixels, along each axis."""
    angle: float = 0.0
    """Degrees; it is turned, and sheared, by up to as much."""
    zoom: float = 0.0
    """Part of its size."""

    def __post_init__(self) -> None:
        for name in ("shift", "angle", "zoom"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, but is {getattr(self, name)}")
        if self.angle > 45 or self.zoom > 0.5:
            raise ValueError(
                f"angle may be 45 degrees and zoom 0.5 at most, not {self.angle} and {self.zoom}"
            )

    def apply(self, images: Tensor) -> Tensor:
        """All images (N, C, H, W) moved, bilinearly; what comes in from outside is zero.

        Random numbers are torch's.
        """
        moved = torch.empty_like(images)
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            grid = nn.functional.affine_grid(
                self._matrices(len(part), part.shape[-2:]), list(part.shape), align_corners=False
            )
            moved[start : start + _CHUNK] = nn.functional.grid_sample(
                part, grid, align_corners=False
            )
        return moved

    def _matrices(self, count: int, size: torch.Size) -> Tensor:
        """(count, 2, 3): where each output pixel comes from, in units of half the image."""
        right, down, turn, shear, zoom = 2 * torch.rand(5, count) - 1
        size_factor = 1 + self.zoom * zoom
        cosine = (radians(self.angle) * turn).cos() * size_factor
        sine = (radians(self.angle) * turn).sin() * size_factor
        rows = (
            (cosine, radians(self.angle) * shear - sine, 2 * self.shift / size[1] * right),
            (sine, cosine, 2 * self.shift / size[0] * down),
        )
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
