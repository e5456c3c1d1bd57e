"""Batch normalisation that is folded into the weights while they train."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5
MOMENTUM = 0.1
"""Weight of a batch in the running statistics."""


class FoldedNorm(nn.Module):
    """gamma (y - mean) / sqrt(variance + eps) + beta of a layer's outputs y, as weight and bias.

    Quantization sees the folded weights, under the running statistics, so that they do not jump
    from batch to batch; the output is then brought to the batch's own statistics. Once frozen it
    is what the integer network will compute.

    Made from a layer whose normalisation was folded before: gamma and beta are what the outputs'
    own statistics give, so that nothing changes at first.

    Source: R. Krishnamoorthi, arXiv:1806.08342, section 3.2.2, after B. Jacob et al.,
    arXiv:1712.05877, section 3.2.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, outputs: Tensor, bias: Tensor) -> None:
        super().__init__()
        mean, variance = statistics(outputs)
        self.register_buffer("mean", mean)
        self.register_buffer("variance", variance)
        self.gamma = nn.Parameter((variance + EPSILON).sqrt())
        self.beta = nn.Parameter(mean + bias)
        self._frozen = False

    def freeze(self) -> None:
        """Keep the running statistics from now on."""
        self._frozen = True

    def factor(self) -> Tensor:
        """What the weights of each channel are multiplied by."""
        return self.gamma / (self.variance + EPSILON).sqrt()

    def fold(self, weight: Tensor) -> Tensor:
        """The weights under the running statistics."""
        return weight * self.factor().reshape(-1, *[1] * (weight.ndim - 1))

    def bias(self) -> Tensor:
        """The bias under the running statistics."""
        return self.beta - self.mean * self.factor()

    def adjustment(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """(factor, bias) of the layer's output, given the float outputs of a batch, without bias.

        In training they bring the batch to its own statistics, which join the running ones.
        """
        if not self.training or self._frozen:
            return torch.ones_like(self.mean), self.bias()
        mean, variance = statistics(outputs)
        with torch.no_grad():
            self.mean.lerp_(mean, MOMENTUM)
            self.variance.lerp_(variance, MOMENTUM)
        ratio = ((self.variance + EPSILON) / (variance + EPSILON)).sqrt()
        return ratio, self.beta - mean * self.gamma / (variance + EPSILON).sqrt()


def statistics(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel of (N, C, ...)."""
    axes = [axis for axis in range(outputs.ndim) if axis != 1]
    return outputs.mean(axes), outputs.var(axes, unbiased=False)
