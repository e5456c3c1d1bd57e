"""MobileNetV1 of width 0.25, as in MLPerf Tiny's visual wake words."""

from torch import Tensor, nn

from bitwright.zoo.separable import Separable


class MobileNetV1(nn.Module):
    """Images (N, 3, 96, 96): a stem of 8 channels and thirteen separable blocks up to 256."""

    BLOCKS = (
        *((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)),
        *[(128, 1)] * 5,
        *((256, 2), (256, 1)),
    )
    """Channels and stride of each."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        )
        inputs, blocks = 8, []
        for outputs, stride in self.BLOCKS:
            blocks.append(Separable(inputs, outputs, stride))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.pool(self.blocks(self.stem(x))).flatten(1))
        return logits
