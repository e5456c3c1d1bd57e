"""ResNet-18 for ImageNet."""

from torch import Tensor, nn

from bitwright.compress.models import ResidualBlock


class ResNet18(nn.Module):
    """Images (N, 3, 224, 224): a 7x7 stem, max pooling, and eight residual blocks up to 512."""

    STAGES = (64, 128, 256, 512)
    """Channels of two blocks each; every stage after the first begins with stride 2."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        inputs = self.STAGES[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, inputs, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        )
        blocks = []
        for outputs in self.STAGES:
            blocks.append(ResidualBlock(inputs, outputs, 1 if outputs == inputs else 2))
            blocks.append(ResidualBlock(outputs, outputs))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.pool(self.blocks(self.stem(x))).flatten(1))
        return logits
