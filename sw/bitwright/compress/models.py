"""Networks that demos, tests and benchmarks train: small enough for minutes, yet real."""

from itertools import pairwise

from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 for images (N, 1, 28, 28), with ReLU and max pooling: 61,706 parameters."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = x.flatten(1)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits


class ResidualBlock(nn.Module):
    """relu(conv(relu(conv(x))) + shortcut(x)), each convolution batch-normalised.

    The shortcut is x itself, or a 1x1 convolution where channels or stride change.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, outputs, H / stride, W / stride)."""
        # First the shortcut: the addition then fuses into conv2, the block's last layer.
        shortcut = self.shortcut(x)
        y = self.relu(self.norm1(self.conv1(x)))
        result: Tensor = self.relu(self.norm2(self.conv2(y)) + shortcut)
        return result


class DigitsResNet(nn.Module):
    """A residual network for images (N, 1, 8, 8): 19,706 parameters.

    Its middle layers have 16 channels on 8 x 8 pixels, so that they fill an 8 x 8 array.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.block1 = ResidualBlock(16, 16)
        self.block2 = ResidualBlock(16, 32, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.relu(self.norm(self.stem(x)))
        x = self.block2(self.block1(x))
        logits: Tensor = self.classifier(self.pool(x).flatten(1))
        return logits


class FullyConnected(nn.Module):
    """Three hidden layers of one width for images (N, 1, 28, 28), batch-normalised, with ReLU.

    FINN's fully connected networks for MNIST (arXiv:1612.07119).
    """

    def __init__(self, width: int, classes: int = 10) -> None:
        super().__init__()
        sizes = (784, width, width, width)
        hidden = [
            nn.Sequential(nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU())
            for a, b in pairwise(sizes)
        ]
        self.hidden = nn.Sequential(*hidden)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.hidden(x.flatten(1)))
        return logits


class Tfc(FullyConnected):
    """Hidden layers of 64: 59,402 parameters."""

    def __init__(self) -> None:
        super().__init__(64)


class Sfc(FullyConnected):
    """Hidden layers of 256: 335,882 parameters."""

    def __init__(self) -> None:
        super().__init__(256)


class Lfc(FullyConnected):
    """Hidden layers of 1024: 2,916,362 parameters."""

    def __init__(self) -> None:
        super().__init__(1024)


class Cnv(nn.Module):
    """FINN's convolutional network for images (N, 3, 32, 32): 1,546,698 parameters.

    64-64-pool-128-128-pool-256-256-512-512-10, kernels of 3 without padding (arXiv:1612.07119,
    table 3, CNV), batch-normalised, with ReLU.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        convolutions: list[nn.Module] = []
        for inputs, outputs in ((3, 64), (64, 128), (128, 256)):
            convolutions += [*_valid(inputs, outputs), *_valid(outputs, outputs)]
            convolutions.append(nn.MaxPool2d(2))
        # Of the last pair's output, 1 x 1, there is nothing to pool.
        self.features = nn.Sequential(*convolutions[:-1])
        self.hidden = nn.Sequential(
            nn.Linear(256, 512, bias=False),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Linear(512, 512, bias=False),
            nn.BatchNorm1d(512),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.hidden(self.features(x).flatten(1)))
        return logits


class DigitsConvolutional(nn.Module):
    """A chain of convolutions for images (N, 1, 8, 8): 38,442 parameters.

    The channels are whole bytes of bits, as an engine of binary layers reads them.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_normed(1, 32, 3), *_normed(32, 32, 3), nn.MaxPool2d(2), *_normed(32, 64, 3)
        )
        self.classifier = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


class DigitsSeparable(nn.Module):
    """Depthwise separable layers for images (N, 1, 8, 8): 2,698 parameters.

    Folding batch norm over depthwise layers leaves channels of very different size.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = _normed(1, 16, 3)
        self.depthwise1, self.pointwise1 = _normed(16, 16, 3, 16), _normed(16, 32, 1)
        self.depthwise2, self.pointwise2 = _normed(32, 32, 3, 32), _normed(32, 32, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.pointwise1(self.depthwise1(self.stem(x)))
        x = self.pointwise2(self.depthwise2(x))
        logits: Tensor = self.classifier(self.pool(x).flatten(1))
        return logits


def _normed(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _valid(inputs: int, outputs: int) -> nn.Sequential:
    """A convolution without padding."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
