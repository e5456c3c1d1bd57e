"""From the values a tensor takes to the range its codes cover."""

from bitwright.compress.methods.calibration.divergence import Divergence, divergence_range
from bitwright.compress.methods.calibration.histogram import Histogram, Range, count
from bitwright.compress.methods.calibration.minmax import minmax_range
from bitwright.compress.methods.calibration.mse import mse_range
from bitwright.compress.methods.calibration.percentile import percentile_range
from bitwright.compress.methods.calibration.quantization import activation_quantization

__all__ = [
    "Divergence",
    "Histogram",
    "Range",
    "activation_quantization",
    "count",
    "divergence_range",
    "minmax_range",
    "mse_range",
    "percentile_range",
]
