"""int<N> and uint<N> in torch: steps of a real scale, given, derived, observed or learned."""

import torch
from torch import Tensor

from bitwright.arith import Integer
from bitwright.compress.fake.bits import below
from bitwright.compress.fake.layout import along, by_channel
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted


class Steps(Twin[Integer]):
    """scale (q - zero_point).

    The gradient of x passes where the code needed no saturation, as in torch.fake_quantize. With
    v = x / scale, that of the scale is, per element, round(v) - v there, and the saturated
    q - zero_point elsewhere (Esser et al., Learned Step Size Quantization, 2020, equation 3).
    """

    dtypes = (torch.float32,)
    has_range = True

    @property
    def low(self) -> int:
        """The least code in use."""
        return self.fmt.code_low + bool(self.narrow and self.fmt.signed)

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Divide in float64, where quotients of float32 compare with ties as the exact ones do."""
        shared = shared or self.derive(x)
        scale = along(self._admissible(shared.parameter), x, self.channel_axis)
        low: Tensor | int = self.low
        high: Tensor | int = self.fmt.code_high
        if shared.zero_point is not None:
            zero_point = along(shared.zero_point, x, self.channel_axis).double()
            low, high = low - zero_point, high - zero_point
        quotient = x.double().div_(scale.double())
        steps = quotient.round() if wanted.parameter else quotient.round_()
        passes = (steps >= low) & (steps <= high) if wanted.any else None
        steps.clamp_(low, high)  # type: ignore[arg-type]
        values = steps.to(x.dtype).add_(0).mul_(scale)  # -0.0 + 0.0 = 0.0: one zero
        return Rounded(values, passes, wanted.slope(steps, quotient, passes))

    def from_range(self, low: Tensor, high: Tensor) -> Shared:
        """Give the scale that maps the range to the codes; the zero point of uint<N> likewise."""
        # A tensor: some devices multiply by the reciprocal of a Python number instead.
        steps = torch.full_like(low, self.fmt.code_high)
        tiny = torch.finfo(low.dtype).tiny
        if self.fmt.signed:
            scale = torch.maximum(high, -low) / steps
            # The quotient rounded up may overflow at the greatest code; its neighbour cannot.
            scale = torch.where((scale * steps).isinf(), below(scale), scale)
        else:
            scale = high / steps - low / steps  # two quotients: the span may overflow
        empty = high == low
        scale = torch.where(empty, torch.ones_like(scale), scale.clamp(min=tiny))
        zero_point = None
        if not self.fmt.signed:
            zero_point = (-low.double() / scale.double()).round().clamp(0, self.fmt.code_high)
            zero_point = zero_point.long()
        self._check_values(scale, zero_point)
        return Shared(scale, zero_point)

    def initial(self, x: Tensor) -> Tensor:
        """Give 2 mean(abs(x)) / sqrt(greatest code) (Esser et al., section 2.1).

        Infinities count as 0; where all is zero the scale is 1.
        """
        magnitudes = by_channel(x.abs().nan_to_num(posinf=0), self.channel_axis)
        mean = magnitudes.sum(1) / max(magnitudes.shape[1], 1)
        factor: float = 2 * self.fmt.element.max**-0.5
        scale = (mean * factor).clamp(min=torch.finfo(x.dtype).tiny)
        scale = torch.where(mean > 0, scale, torch.ones_like(scale))
        return scale.reshape(()) if self.channel_axis is None else scale

    def _check_values(self, scale: Tensor, zero_point: Tensor | None) -> None:
        """Raise ValueError if a code's value overflows, as numpy's side does; not under export."""
        if torch.compiler.is_compiling():
            return
        offset = torch.zeros_like(scale) if zero_point is None else zero_point
        reach = torch.maximum(offset - self.low, self.fmt.code_high - offset)
        if (scale * reach.to(scale.dtype)).isinf().any():
            raise ValueError(
                f"a scale of {float(scale.max())!r} makes values of {self.fmt} overflow "
                f"{scale.dtype}; scale the data down"
            )

    def _admissible(self, scale: Tensor) -> Tensor:
        """Keep a learned scale positive, and values finite; its gradient stays as it is.

        An optimizer may step below zero: the scale then counts as the least one, from where its
        gradient brings it back.
        """
        if not self.learned:
            return scale
        facts = torch.finfo(scale.dtype)
        reach = self.fmt.code_high - self.fmt.code_low
        return scale.clamp(facts.tiny, facts.max / (2 * reach))
