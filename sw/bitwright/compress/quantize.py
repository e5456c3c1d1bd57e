"""Post-training quantization: a trained network and sample inputs to a network of integers."""

import logging

import numpy as np
import torch

from bitwright.arith import Rounding
from bitwright.compress.calibrate import Observer, Samples, calibrate
from bitwright.compress.lower import Settings, lower
from bitwright.compress.methods.calibration import activation_quantization
from bitwright.compress.sharing import separate_input, shared_ranges
from bitwright.importers import FloatGraph, import_program
from bitwright.importers.torch_export import Example, Program
from bitwright.network import Network

_log = logging.getLogger(__name__)


def quantize(
    model: Program | FloatGraph,
    calibration_inputs: Samples,
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    symmetric: bool = True,
    observer: Observer | str = Observer.MINMAX,
    percentile: float = 99.99,
    multiplier_bits: int = 16,
    rounding: Rounding | str = Rounding.HALF_UP,
) -> Network:
    """The integer network that does what ``model`` does, without retraining.

    Weights: symmetric codes per output channel. Activations: one scale per tensor, observed on
    ``calibration_inputs`` (N, ...), with zero point 0 (``symmetric``) or the one that uses every
    code. Batch norm, activations and additions are folded where they can be; a last softmax is
    left to the host, which the log notes.

    Raises ValueError for settings out of range, `UnsupportedError` and `ProgramError` as
    `import_program` does, and `NetworkError` where an accumulator would not fit 32 bits.
    """
    settings = Settings(
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        symmetric=symmetric,
        multiplier_bits=multiplier_bits,
        rounding=Rounding(rounding),
    )
    graph = separate_input(import_program(model, _example(calibration_inputs)))
    for note in graph.notes:
        _log.warning(note)
    ranges = calibrate(
        graph,
        calibration_inputs,
        observer=observer,
        percentile=percentile,
        bits=activation_bits,
        symmetric=symmetric,
    )
    outputs = {
        name: activation_quantization(seen, activation_bits, symmetric)
        for name, seen in shared_ranges(graph, ranges).items()
    }
    return Network(lower(graph, outputs, settings))


def _example(samples: Samples) -> Example:
    """What a module is exported with: any batch of inputs."""
    if isinstance(samples, np.ndarray | torch.Tensor):
        return samples
    if not samples:
        raise ValueError("calibration needs at least one input")
    return samples[0]
