"""The fully connected autoencoder of MLPerf Tiny's anomaly detection."""

from itertools import pairwise

from torch import Tensor, nn


class Autoencoder(nn.Module):
    """Vectors (N, 640) of five frames of 128 mel bands, through a bottleneck of 8, and back."""

    WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(self.WIDTHS):
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(self.WIDTHS[-1], self.WIDTHS[0]))

    def forward(self, x: Tensor) -> Tensor:
        """The vectors as reconstructed (N, 640)."""
        restored: Tensor = self.layers(x)
        return restored
