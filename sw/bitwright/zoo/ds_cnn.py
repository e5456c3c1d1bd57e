"""DS-CNN, the keyword spotter of MLPerf Tiny."""

from torch import Tensor, nn

from bitwright.zoo.separable import Separable


class DsCnn(nn.Module):
    """Spectrograms (N, 1, 49, 10): a 10x4 stem of 64 channels and four separable blocks."""

    def __init__(self, classes: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 64, (10, 4), 2, padding=(5, 1), bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        self.blocks = nn.Sequential(*[Separable(64, 64) for _ in range(4)])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.pool(self.blocks(self.stem(x))).flatten(1))
        return logits
