"""A small network for super-resolution: every layer at the image's full resolution."""

from itertools import pairwise

from torch import Tensor, nn


class SuperResolution(nn.Module):
    """Enlarged images (N, 3, H, W) sharpened: what six convolutions find is added to the image."""

    def __init__(self, channels: int = 16, layers: int = 6) -> None:
        super().__init__()
        widths = [3, *[channels] * (layers - 1), 3]
        body: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            body += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*body[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W)."""
        sharpened: Tensor = self.body(x) + x
        return sharpened
