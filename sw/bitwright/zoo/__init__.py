"""Networks of the field, as torch modules and, quantized, as integer networks."""

from bitwright.zoo.build import build, calibration_inputs, module
from bitwright.zoo.catalogue import ZOO, Entry, find

__all__ = ["ZOO", "Entry", "build", "calibration_inputs", "find", "module"]
