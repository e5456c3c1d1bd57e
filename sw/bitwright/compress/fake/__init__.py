"""Fake quantization: every number format of `bitwright.arith`, in torch, with gradients."""

from bitwright.compress.fake.gradient import fake_quantize
from bitwright.compress.fake.module import FakeQuantize
from bitwright.compress.fake.observers import MinMax, MovingAverage, Observer, Percentile
from bitwright.compress.fake.settings import State
from bitwright.compress.fake.twin import Shared, Twin

__all__ = [
    "FakeQuantize",
    "MinMax",
    "MovingAverage",
    "Observer",
    "Percentile",
    "Shared",
    "State",
    "Twin",
    "fake_quantize",
]
