"""Layers of one and two bits, as torch trains them: latent weights, straight-through gradients.

A binary network is a chain of these, of batch normalisations, poolings and a `Flatten`, held by a
`nn.Sequential`; `binary_lower` makes the network of integers of it.

Sources: M. Courbariaux et al., arXiv:1602.02830 (binary weights and activations); M. Rastegari et
al., XNOR-Net, arXiv:1603.05279 (scales); F. Li et al., arXiv:1605.04711 (ternary).
"""

from typing import Any

import torch
from torch import Tensor, nn

from bitwright.compress.fake import FakeQuantize
from bitwright.compress.fake.lowbit import CLIP

SHORTCUT_STEP = 1 / 16
"""Of the int8 codes beside binary convolutions: a few normalised sums, which reach 8."""


class Signs(nn.Module):
    """1 where x is at or above the threshold, else -1; the gradient passes within 1 of it.

    With ``channels`` there is a threshold per channel (axis 1), which is learned.
    """

    threshold: Tensor

    def __init__(self, threshold: float = 0.0, channels: int | None = None) -> None:
        super().__init__()
        if channels is None:
            self.register_buffer("threshold", torch.tensor(threshold))
        else:
            self.threshold = nn.Parameter(torch.full((channels,), threshold))
        self.quantize = FakeQuantize("binary")

    def forward(self, x: Tensor) -> Tensor:
        """Give -1 and 1."""
        shape = (-1,) + (1,) * (x.ndim - 2) if self.threshold.ndim else ()
        signs: Tensor = self.quantize(x - self.threshold.reshape(shape))
        return signs


class Latent(nn.Module):
    """What `LowBitLinear` and `LowBitConv2d` share: float weights behind those that compute."""

    weight: Tensor

    def prepare(self, fmt: str, scaled: bool) -> None:
        """Begin with small weights: many change sign early, and the learning rate is their scale's.

        ``fmt`` is binary, ternary or int8; ``scaled`` gives each channel its mean magnitude as
        scale, as XNOR-Net, which matters where no batch normalisation follows.
        """
        if fmt not in ("binary", "ternary", "int8"):
            raise ValueError(f"a weight is binary, ternary or int8, not {fmt!r}")
        self.fmt = fmt
        self.options: dict[str, Any] = {}
        """Of the format's ``encode``."""
        if fmt == "int8":
            self.options = {"channel_axis": 0}
        elif scaled:
            self.options = {"channel_axis": 0, "scale": "channel"}
        self.quantize = FakeQuantize(fmt, **self.options)
        self.latent = False
        fan = self.weight[0].numel() + len(self.weight)
        nn.init.uniform_(self.weight, -((1.5 / fan) ** 0.5), (1.5 / fan) ** 0.5)

    def used(self) -> Tensor:
        """The weights that compute; latent ones in the first of two stages.

        Latent weights that the last step took beyond the clip, where no gradient passes, come back
        first.
        """
        if self.training:
            with torch.no_grad():
                self.weight.clamp_(-CLIP, CLIP)
        if self.latent:
            return self.weight
        quantized: Tensor = self.quantize(self.weight)
        return quantized


class LowBitLinear(nn.Linear, Latent):
    """weight x, without a bias: that of the batch normalisation behind it does as well."""

    def __init__(
        self, inputs: int, outputs: int, fmt: str = "binary", *, scaled: bool = False
    ) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.prepare(fmt, scaled)

    def forward(self, input: Tensor) -> Tensor:
        """(N, outputs)."""
        # Where products are in bfloat16, what follows is not.
        return nn.functional.linear(input, self.used()).float()


class LowBitConv2d(nn.Conv2d, Latent):
    """The same of images; padding is zero, and so contributes nothing to a sum of signs."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        fmt: str = "binary",
        *,
        scaled: bool = False,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, bias=False)
        self.prepare(fmt, scaled)

    def forward(self, input: Tensor) -> Tensor:
        """(N, outputs, height, width)."""
        return nn.functional.conv2d(input, self.used(), None, self.stride, self.padding).float()


class BiReal(nn.Module):
    """codes(x + codes(norm(conv(signs(x))))): a binary convolution beside a shortcut of int8 codes.

    What the signs lose of x goes past them, which trains deeper networks than plain chains of signs
    do; two in a row are the block of the paper. x holds int8 codes of the same ``step``: those of
    another block, or of a `FakeQuantize`. Each channel learns the threshold of its signs.

    Source: Z. Liu et al., Bi-Real Net, arXiv:1808.00278, section 3.2; its shortcuts are real
    numbers.
    """

    norm: nn.Module

    def __init__(self, channels: int, kernel: int = 3, *, step: float = SHORTCUT_STEP) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"a shortcut keeps the image's size: kernels are odd, not {kernel}")
        self.signs = Signs(0.0, channels)
        self.conv = LowBitConv2d(channels, channels, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(channels)
        self.codes = FakeQuantize("int8", scale=step)

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of ``x`` (N, channels, height, width)."""
        branch = self.codes(self.norm(self.conv(self.signs(x))))
        summed: Tensor = self.codes(x + branch)
        return summed


def compute_latent(model: nn.Module, latent: bool) -> None:
    """Let all layers compute with their latent weights, or with those of their formats.

    Trained so first, then with the formats: the activations become bits in one stage, the weights
    in a second.

    Source: B. Martinez et al., Training Binary Neural Networks, arXiv:2003.11535, section 4.1.
    """
    for module in model.modules():
        if isinstance(module, Latent):
            module.latent = latent
