"""The module that fake-quantizes to any number format."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from bitwright.arith import Format, parse
from bitwright.arith.format import check_axis
from bitwright.compress.fake.gradient import fake_quantize
from bitwright.compress.fake.layout import by_channel
from bitwright.compress.fake.observers import Observer, as_observer
from bitwright.compress.fake.settings import Settings, State
from bitwright.compress.fake.twin import Shared


class FakeQuantize(nn.Module):
    """Round a tensor to a number format, to the very bits of ``fmt.quantize``.

    Gradients pass straight through and are zero outside the clipping range; the twins in this
    package say per format what that is. The shared part of a tensor is

    - derived from each tensor, as ``fmt.quantize(x)`` does, if nothing else is said;
    - given: ``scale`` (with ``zero_point`` for int<N> and uint<N>) or ``centroids``; for binary and
      ternary ``scale="tensor"`` or ``"channel"`` asks for the mean;
    - learned: a parameter, initialised from the given one or else from the first tensor seen;
    - observed, for int<N>, uint<N>, pow<N> and codebook<K>: derived from the range that
      ``observer`` ("minmax", "average", "percentile" or an `Observer`) has found so far.

    ``axis`` is that of blocks, ``channel_axis`` that of a scale per channel, of which ``channels``
    says the number where it must be known beforehand (learned or observed). ``narrow`` leaves out
    the code -2^(N-1) of int<N>, by default where the scale is derived or observed.

    With an observer the module is in one of three states, which the state_dict holds: `observe`
    (watches, and gives x unchanged), `unfreeze` (the first: quantizes, and watches in training
    mode) and `freeze` (quantizes under a range that stays).

    Input is float32, or float64 for formats without a real scale; what numpy gives as float64,
    because float32 does not hold it, is float64 here. ``forward`` raises TypeError for other types;
    ValueError for NaN, with its first index, for axes that x does not have and another number of
    channels. Programs made by torch.export or torch.compile leave the test for NaN out: what they
    give for it is undefined.

    >>> quantize = FakeQuantize("int4", scale=0.5)
    >>> x = torch.tensor([0.3, 0.8, 9.0], requires_grad=True)
    >>> y = quantize(x); y.sum().backward(); y.tolist(), x.grad.tolist()
    ([0.5, 1.0, 3.5], [1.0, 1.0, 0.0])
    """

    low: Tensor
    high: Tensor
    batches: Tensor
    zero_point: Tensor | None

    def __init__(
        self,
        fmt: Format[Any] | str,
        axis: int = -1,
        *,
        channel_axis: int | None = None,
        channels: int | None = None,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike | None = None,
        centroids: ArrayLike | None = None,
        narrow: bool | None = None,
        learned: bool = False,
        observer: Observer | str | None = None,
    ) -> None:
        super().__init__()
        settings = Settings(
            fmt=parse(fmt) if isinstance(fmt, str) else fmt,
            axis=axis,
            channel_axis=channel_axis,
            channels=channels,
            scale=scale,
            zero_point=zero_point,
            centroids=centroids,
            narrow=narrow,
            learned=learned,
            observer=None if observer is None else as_observer(observer),
        )
        self._settings = settings
        self._twin = settings.twin()
        self._state = State.FAKE
        given, shape = settings.given, settings.shape
        self._channels = shape[0] if shape and channel_axis is not None else None
        self._parameter = None if given is None and not learned else settings.parameter
        self._ready = given is not None
        """Whether what is learned has a start, or what is observed a range."""
        if self._parameter is not None:
            start = torch.ones(shape) if given is None else torch.from_numpy(given.copy())
            if learned:
                self.register_parameter(self._parameter, nn.Parameter(start))
            else:
                self.register_buffer(self._parameter, start)
        offset = None if zero_point is None else torch.as_tensor(np.asarray(zero_point, np.int64))
        self.register_buffer("zero_point", offset)
        if settings.observer is not None:
            self.register_buffer("low", torch.zeros(shape))
            self.register_buffer("high", torch.zeros(shape))
            self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @property
    def fmt(self) -> Format[Any]:
        """The number format."""
        return self._settings.fmt

    @property
    def state(self) -> State:
        """What an observed module does with its input."""
        return self._state

    def observe(self) -> None:
        """Watch from now on, and give x unchanged."""
        self._enter(State.OBSERVE)

    def unfreeze(self) -> None:
        """Quantize from now on, and watch in training mode."""
        self._enter(State.FAKE)

    def freeze(self) -> None:
        """Quantize from now on under the range found so far."""
        self._enter(State.FROZEN)

    def reset(self) -> None:
        """Forget the range found so far."""
        self._observer()
        for buffer in (self.low, self.high, self.batches):
            buffer.zero_()
        self._ready = False

    def forward(self, x: Tensor) -> Tensor:
        """Give the quantized values."""
        self._check(x)
        if self._settings.observer is not None:
            if self._state is State.OBSERVE or (self._state is State.FAKE and self.training):
                self._watch(x)
            if self._state is State.OBSERVE:
                return x
        return fake_quantize(self._twin, x, self.shared(x))

    def shared(self, x: Tensor) -> Shared | None:
        """Give the shared part for ``x``; None if it is derived from each tensor."""
        if self._settings.observer is not None:
            if not self._ready:
                raise ValueError(
                    "no range has been observed yet: run sample inputs in training mode or after "
                    "observe()"
                )
            return self._twin.from_range(self.low.to(x.dtype), self.high.to(x.dtype))
        if self._parameter is None:
            return None
        if not self._ready:
            self.initialize(x)
        return Shared(getattr(self, self._parameter), self.zero_point)

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """Set the learned parameter to what suits ``x``; the first forward pass does it, too."""
        if not self._settings.learned or self._parameter is None:
            raise ValueError(f"nothing is learned by {self!r}: pass learned=True")
        if torch.compiler.is_compiling():
            raise ValueError("the learned parameter is not set: run the module once, then export")
        self._check(x)
        getattr(self, self._parameter).copy_(self._twin.initial(x.detach()))
        self._ready = True

    def get_extra_state(self) -> Tensor:
        """Give the state, and whether anything was learned or observed yet, for the state_dict."""
        return torch.tensor([list(State).index(self._state), self._ready])

    def set_extra_state(self, state: Tensor) -> None:
        """Take what `get_extra_state` gave."""
        index, ready = state.tolist()
        self._state, self._ready = list(State)[index], bool(ready)

    def extra_repr(self) -> str:
        """Give all that the module was told, and its state."""
        parts = [str(self._settings)]
        if self._settings.observer is not None:
            parts.append(f"state={self._state.value}")
        return ", ".join(parts)

    @torch.no_grad()
    def _watch(self, x: Tensor) -> None:
        observer = self._observer()
        found = observer.look(by_channel(x.detach(), self._twin.channel_axis))
        for end, batch in zip((self.low, self.high), found, strict=True):
            new = batch.reshape(end.shape).to(end.dtype)
            end.copy_(torch.where(self.batches > 0, observer.join(end, new, self.batches), new))
        self.batches.add_(1)
        self._ready = True

    def _observer(self) -> Observer:
        if self._settings.observer is None:
            raise ValueError(f"nothing is observed by {self!r}: pass observer=")
        return self._settings.observer

    def _enter(self, state: State) -> None:
        self._observer()
        self._state = state

    def _check(self, x: Tensor) -> None:
        twin = self._twin
        if x.dtype not in twin.dtypes:
            accepted = " or ".join(str(dtype) for dtype in twin.dtypes)
            raise TypeError(f"{self.fmt} takes {accepted}, not {x.dtype}; convert with .float()")
        check_axis("axis", twin.axis, x.ndim)
        if twin.channel_axis is not None:
            place = check_axis("channel_axis", twin.channel_axis, x.ndim)
            channels = x.shape[place] if x.ndim else 1
            if self._channels not in (None, channels):
                raise ValueError(
                    f"axis {twin.channel_axis} must have the {self._channels} channels of the "
                    f"module, but has {channels}"
                )
        # The sum of what holds a NaN is one, and takes a tenth of the time that a look at all does.
        if not torch.compiler.is_compiling() and x.sum().isnan() and x.isnan().any():
            index = tuple(x.isnan().nonzero()[0].tolist())
            raise ValueError(f"x is NaN at index {index}; NaN has no code")
