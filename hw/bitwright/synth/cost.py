"""What an architecture would take on an ECP5, without synthesizing it.

A count is a sum of parts that are there in proportion to something of the architecture: elements,
lanes, bits of accumulators, products by width. What one of each costs is fitted to synthesis runs
(`tools/cost_model.py`) and kept in `cost_model.json`, with the runs and what the fit misses. Block
RAMs are counted, not fitted: see `bitwright.synth.memories`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.isa import Architecture
from bitwright.synth.devices import Resources
from bitwright.synth.memories import count_blocks, count_cells

FITTED = ("luts", "ffs", "dsps")
_BLOCK_BITS = 18

Feature = Callable[[Architecture], float]


def block_products(a: Architecture) -> int:
    """Return the multiplier blocks of the array."""
    elements = a.rows * a.columns
    wanted = {"twin": elements // 2, "dsp": elements, "lut": 0}[a.pe_multiplier]
    return min(wanted, a.pe_dsps)


def adder_products(a: Architecture) -> int:
    """Return the products of the array that are made of adders."""
    elements = a.rows * a.columns
    return elements - block_products(a) * (2 if a.pe_multiplier == "twin" else 1)


def lane_blocks(a: Architecture) -> int:
    """Return the multiplier blocks of the lanes' scaling, by the 18 bits a block takes."""
    if a.lane_multiplier == "lut":
        return 0
    wide = ceil((a.accumulator_bits + 1) / _BLOCK_BITS) * ceil(
        (a.multiplier_bits + 1) / _BLOCK_BITS
    )
    residual = ceil((a.residual_bits + 1) / _BLOCK_BITS) if a.residual_bits else 0
    return a.lanes * (wide + residual)


def _in_adders(a: Architecture) -> bool:
    return a.lane_multiplier == "lut"


FEATURES: Mapping[str, Feature] = {
    "one": lambda a: 1,
    "rows": lambda a: a.rows,
    "columns": lambda a: a.columns,
    "elements": lambda a: a.rows * a.columns,
    "accumulator bits": lambda a: a.rows * a.columns * a.accumulator_bits,
    "products in blocks": block_products,
    "products in adders": adder_products,
    "lanes": lambda a: a.lanes,
    "lanes log lanes": lambda a: a.lanes * log2(a.lanes),
    "lane products in blocks": lane_blocks,
    "lane product bits": lambda a: a.lanes * (a.accumulator_bits + a.multiplier_bits),
    "lane adder bits": lambda a: (
        a.lanes * (a.accumulator_bits * a.multiplier_bits + 8 * a.residual_bits) * _in_adders(a)
    ),
    "lanes with multiplier": lambda a: a.lanes * (not _in_adders(a)),
    "residuals": lambda a: a.lanes * (a.residual_bits > 0),
    "residual bits": lambda a: a.lanes * a.residual_bits,
    "roundings": lambda a: a.lanes * (len(a.roundings) - 1),
    "address bits": lambda a: a.lanes * log2(a.activation_words),
    "instruction bits": lambda a: log2(a.execute_instructions) + log2(a.fetch_instructions),
    "small memory cells": count_cells,
}
"""What costs are in proportion to."""

USED: Mapping[str, tuple[str, ...]] = {
    "luts": (
        "one", "rows", "columns", "elements", "accumulator bits", "products in adders", "lanes",
        "lanes log lanes", "lane products in blocks", "lane product bits", "lane adder bits",
        "residuals", "residual bits", "roundings", "address bits", "instruction bits",
        "small memory cells",
    ),
    "ffs": (
        "one", "rows", "columns", "elements", "accumulator bits", "products in adders", "lanes",
        "lane product bits", "residuals", "residual bits", "instruction bits", "small memory cells",
    ),
    "dsps": ("products in blocks", "lane products in blocks", "lanes with multiplier"),
}  # fmt: skip
"""The features of each count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The counts of an architecture, and how far off they may be."""

    resources: Resources
    low: Resources
    """By the largest miss of the fit, each run predicted from the others."""
    high: Resources
    beyond: tuple[str, ...]
    """Features that no run of the fit reached: there the estimate is an extrapolation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """The cost of one of each feature, and where that is from."""

    coefficients: Mapping[str, Mapping[str, float]]
    """By resource and feature."""
    error: Mapping[str, float]
    """By resource, the largest relative miss in leaving one run out."""
    largest: Mapping[str, float]
    """The largest value of each feature in the runs."""
    tool: str
    runs: tuple[Mapping[str, Any], ...]
    """Each run's name, architecture, and counts by yosys and by the model."""

    def estimate(self, architecture: Architecture) -> Estimate:
        """Predict the mapped netlist's counts."""
        values = {name: float(feature(architecture)) for name, feature in FEATURES.items()}
        found = {
            resource: sum(cost * values[name] for name, cost in parts.items())
            for resource, parts in self.coefficients.items()
        }
        exact = {"brams": count_blocks(architecture)}

        def scaled(sign: int) -> Resources:
            counts = {name: n * (1 + sign * self.error[name]) for name, n in found.items()}
            return Resources(**{name: max(0, round(n)) for name, n in counts.items()}, **exact)

        return Estimate(
            resources=scaled(0),
            low=scaled(-1),
            high=scaled(1),
            beyond=tuple(name for name, most in self.largest.items() if values[name] > most),
        )

    def to_json(self) -> str:
        """Return all fields as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "CostModel":
        """Return the inverse of `to_json`."""
        values = json.loads(text)
        return cls(**(values | {"runs": tuple(values["runs"])}))


@cache
def shipped_model() -> CostModel:
    """Return the model that `make cost-model` fitted."""
    return CostModel.from_json(files("bitwright.synth").joinpath("cost_model.json").read_text())


def fit(runs: Mapping[str, tuple[Architecture, Resources]], tool: str) -> CostModel:
    """Fit costs, none negative, so that the relative misses are least in the sum of squares."""
    architectures = [architecture for architecture, _ in runs.values()]
    coefficients, error = {}, {}
    predicted: dict[str, NDArray[np.float64]] = {}
    for resource in FITTED:
        names = USED[resource]
        x = np.array([[float(FEATURES[name](a)) for name in names] for a in architectures])
        y = np.array([float(getattr(counts, resource)) for _, counts in runs.values()])
        costs = relative_least_squares(x, y)
        coefficients[resource] = dict(zip(names, (round(c, 4) for c in costs), strict=True))
        predicted[resource] = x @ costs
        misses = []
        for n in range(len(y)):
            kept = np.arange(len(y)) != n
            others = relative_least_squares(x[kept], y[kept])
            misses.append(abs(x[n] @ others - y[n]) / max(y[n], 1))
        error[resource] = round(float(max(misses)), 4)
    rows = [
        {
            "name": name,
            "architecture": json.loads(architecture.to_json()),
            "yosys": asdict(counts),
            "model": {resource: round(float(predicted[resource][n]), 1) for resource in FITTED}
            | {"brams": count_blocks(architecture)},
        }
        for n, (name, (architecture, counts)) in enumerate(runs.items())
    ]
    largest = {name: max(float(f(a)) for a in architectures) for name, f in FEATURES.items()}
    return CostModel(
        coefficients=coefficients, error=error, largest=largest, tool=tool, runs=tuple(rows)
    )


def relative_least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return costs >= 0 that make sum((x costs / y - 1)^2) least, by Lawson and Hanson.

    >>> relative_least_squares(np.array([[1., 0.], [1., 1.], [1., 3.]]), np.array([5., 7., 11.]))
    array([5., 2.])
    """
    scale = np.abs(x).max(axis=0)
    scale[scale == 0] = 1
    weight = np.maximum(y, 1)
    a, target = x / scale / weight[:, None], y / weight
    costs = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], bool)
    for _ in range(10 * a.shape[1]):
        slope = np.where(free, -np.inf, a.T @ (target - a @ costs))
        if slope.max() < 1e-10:
            break
        free[slope.argmax()] = True
        while True:
            wanted = np.zeros_like(costs)
            wanted[free] = np.linalg.lstsq(a[:, free], target, rcond=None)[0]
            below = free & (wanted <= 0)
            if not below.any():
                break
            # As far towards what is wanted as all costs stay above nothing; those there are fixed.
            share = (costs[below] / (costs[below] - wanted[below])).min()
            costs += share * (wanted - costs)
            free &= costs > 1e-12
            costs[~free] = 0
        costs = wanted
    return np.asarray(np.round(costs / scale, 9))
