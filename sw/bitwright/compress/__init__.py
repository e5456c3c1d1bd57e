from bitwright.compress.calibrate import Observer, calibrate
from bitwright.compress.codes import decode, encode
from bitwright.compress.evaluate import evaluate
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.calibration import Range
from bitwright.compress.models import DigitsResNet, LeNet5
from bitwright.compress.quantize import quantize
from bitwright.compress.reference import (
    QuantizedReference,
    load_reference,
    quantize_reference,
)
from bitwright.compress.train import Progress, Training, train, train_reference

__all__ = [
    "DigitsResNet",
    "FakeQuantize",
    "LeNet5",
    "Observer",
    "Progress",
    "QuantizedReference",
    "Range",
    "Training",
    "calibrate",
    "decode",
    "encode",
    "evaluate",
    "load_reference",
    "quantize",
    "quantize_reference",
    "train",
    "train_reference",
]
