"""A depthwise separable block, of which DS-CNN and MobileNet are made."""

from torch import nn


class Separable(nn.Sequential):
    """A 3x3 convolution within each channel, then a 1x1 across them, each with norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )
