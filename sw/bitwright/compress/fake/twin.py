"""What the torch side of a family of formats does.

A `Twin` computes what ``fmt.quantize`` does, bit for bit, and what gradients need. All that can be
read off the format object is read there; a new family is one class deriving from `Twin` with
`round`, and `from_range` or `derive` where something is shared by more than a block, and a line in
`catalogue`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from bitwright.arith import Format
from bitwright.compress.fake.layout import finite_extremes, sum_shared

AnyFormat = TypeVar("AnyFormat", bound=Format[Any])


@dataclass(frozen=True, slots=True)
class Shared:
    """What a whole tensor, or each of its channels, shares."""

    parameter: Tensor
    """The scale; of a codebook, the centroids: what can be learned."""
    zero_point: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Rounded:
    """The outcome of quantizing a tensor."""

    values: Tensor
    passes: Tensor | None = None
    """Where the straight-through gradient is 1 and not 0; None unless asked for."""
    trace: Tensor | None = None
    """What `Twin.pull` needs for the parameter's gradient; None unless asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which gradients will be asked for: what no gradient needs is not computed."""

    x: bool = False
    parameter: bool = False

    @property
    def any(self) -> bool:
        """Whether any will be."""
        return self.x or self.parameter

    def slope(self, rounded: Tensor, v: Tensor, passes: Tensor | None) -> Tensor | None:
        """Give d(scale round(x / scale)) / d scale, straight through the rounding; v = x / scale.

        None unless the parameter's gradient is wanted.
        """
        if passes is None or not self.parameter:
            return None
        return torch.where(passes, rounded - v, rounded)


@dataclass(frozen=True, slots=True)
class Twin(ABC, Generic[AnyFormat]):
    """One format on the torch side, with its options."""

    fmt: AnyFormat
    axis: int = -1
    """That blocks run along."""
    channel_axis: int | None = None
    narrow: bool | None = None
    """As in ``Integer.encode``."""
    mean: bool = False
    """Of binary and ternary: whether a scale left out is the mean, rather than 1."""
    learned: bool = False
    """Whether the parameter is trained, and might leave the range of parameters that exist."""

    dtypes: ClassVar[tuple[torch.dtype, ...]] = (torch.float32, torch.float64)
    """In which results equal numpy's."""
    has_range: ClassVar[bool] = False
    """Whether `from_range` gives the parameter, so that an observer can."""

    @abstractmethod
    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Quantize ``x``, a shared part left out being derived from ``x`` as numpy's side does."""

    def derive(self, x: Tensor) -> Shared:
        """Give the shared part that ``fmt.quantize(x)`` derives."""
        return self.from_range(*finite_extremes(x, self.channel_axis))

    def from_range(self, low: Tensor, high: Tensor) -> Shared:
        """Give the shared part for numbers in low..high, low <= 0 <= high."""
        raise NotImplementedError(f"{self.fmt} has no static range")

    def initial(self, x: Tensor) -> Tensor:
        """Give the parameter that learning starts from, after a look at the first numbers."""
        return self.derive(x).parameter

    def pull(self, grad: Tensor, trace: Tensor, parameter: Tensor) -> Tensor:
        """Give the gradient of the parameter: here the trace is d values / d scale.

        It is scaled by 1 / sqrt(N Q) with N numbers to a scale and Q the greatest code, so that
        steps of the scale and of weights are in proportion (Esser et al., Learned Step Size
        Quantization, 2020, section 2.2).
        """
        count = grad.numel() // max(parameter.numel(), 1)
        total = sum_shared(grad * trace.to(grad.dtype), parameter, self.channel_axis)
        proportion: float = max(count * self.fmt.element.max, 1.0) ** -0.5
        return (total * proportion).to(parameter.dtype)
