"""What an architecture would take on an ECP5, without synthesizing it.

A count is a sum of parts that are there in proportion to something of the architecture: elements,
lanes, bits of accumulators, products by width. What one of each costs is fitted to synthesis runs
(`tools/cost_model.py`) and kept in `cost_model.json`, with the runs and what the fit misses.
Multipliers and block RAMs are counted, not fitted: see `bitwright.synth.memories` for the latter.
"""

import json
from collections.abc import Callable, Iterator, Mapping
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

_LIMB = 17
"""Bits of a wide operand that one multiplier block takes."""

Feature = Callable[[Architecture], float]


def array_blocks(a: Architecture) -> int:
    """Return the multiplier blocks of the array: one for a pair of elements, or for each."""
    elements = a.rows * a.columns
    wanted = {"twin": elements // 2, "dsp": elements, "lut": 0}[a.pe_multiplier]
    return min(wanted, a.pe_dsps)


def adder_products(a: Architecture) -> int:
    """Return the products of the array that are made of adders."""
    return a.rows * a.columns - array_blocks(a) * (2 if a.pe_multiplier == "twin" else 1)


def lane_blocks(a: Architecture) -> int:
    """Return the multiplier blocks of the lanes: the biased sum is two limbs, the residual one."""
    if a.lane_multiplier == "lut":
        return 0
    return a.lanes * (2 * ceil(a.multiplier_bits / _LIMB) + ceil(a.residual_bits / _LIMB))


def count_multipliers(a: Architecture) -> int:
    """Return the accelerator's multiplier blocks."""
    return array_blocks(a) + lane_blocks(a)


def _lane_adders(a: Architecture) -> int:
    if a.lane_multiplier == "dsp":
        return 0
    return a.lanes * (32 * a.multiplier_bits + 9 * a.residual_bits)


FEATURES: Mapping[str, Feature] = {
    "one": lambda a: 1,
    "rows": lambda a: a.rows,
    "columns": lambda a: a.columns,
    "elements": lambda a: a.rows * a.columns,
    "accumulator bits": lambda a: a.rows * a.columns * a.accumulator_bits,
    "products in adders": adder_products,
    "lanes": lambda a: a.lanes,
    "lanes log lanes": lambda a: a.lanes * log2(a.lanes),
    "lane product bits": lambda a: a.lanes * a.multiplier_bits,
    "lane limbs": lane_blocks,
    "lane products in adders": _lane_adders,
    "residuals": lambda a: a.lanes * (a.residual_bits > 0),
    "residual bits": lambda a: a.lanes * a.residual_bits,
    "roundings": lambda a: a.lanes * (len(a.roundings) - 1),
    "depthwise": lambda a: a.line_words > 0,
    "depthwise lanes": lambda a: a.lanes * (a.line_words > 0),
    "xnor rows": lambda a: a.rows * a.xnor,
    "xnor bits": lambda a: 8 * a.lanes * a.rows * a.xnor,
    "huffman": lambda a: a.huffman,
    "address bits": lambda a: a.lanes * log2(a.activation_words),
    "instruction bits": lambda a: log2(a.execute_instructions) + log2(a.fetch_instructions),
    "small memory cells": count_cells,
}
"""What costs are in proportion to."""

USED: Mapping[str, tuple[str, ...]] = {
    "luts": tuple(FEATURES),
    # Neither rounding nor rotating holds anything.
    "ffs": tuple(name for name in FEATURES if name not in ("roundings", "lanes log lanes")),
}
"""The features of each count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The counts of an architecture, and how far off they may be."""

    resources: Resources
    low: Resources | None
    """By the largest miss of the fit, each run predicted from the others; None beyond the runs."""
    high: Resources | None
    beyond: tuple[str, ...]
    """Features of which no run of the fit had as many: the estimate is an extrapolation, and
    without those that no run had at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """The cost of one of each feature, and where that is from."""

    coefficients: Mapping[str, Mapping[str, float]]
    """By resource and feature."""
    error: Mapping[str, float]
    """By resource, the largest relative miss in leaving one run out that the others reach to."""
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
        exact = _counted(architecture)

        def scaled(sign: int) -> Resources:
            counts = {name: n * (1 + sign * self.error[name]) for name, n in found.items()}
            return Resources(**{name: max(0, round(n)) for name, n in counts.items()}, **exact)

        beyond = tuple(name for name, n in values.items() if n > self.largest.get(name, 0))
        return Estimate(
            resources=scaled(0),
            low=None if beyond else scaled(-1),
            high=None if beyond else scaled(1),
            beyond=beyond,
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
    for resource in USED:
        names = USED[resource]
        x = np.array([[float(FEATURES[name](a)) for name in names] for a in architectures])
        y = np.array([float(getattr(counts, resource)) for _, counts in runs.values()])
        costs = relative_least_squares(x, y)
        coefficients[resource] = dict(zip(names, (round(c, 4) for c in costs), strict=True))
        predicted[resource] = x @ costs
        error[resource] = round(max(_misses(x, y), default=0.0), 4)
    rows = [
        {
            "name": name,
            "architecture": json.loads(architecture.to_json()),
            "yosys": asdict(counts),
            "model": {resource: round(float(predicted[resource][n]), 1) for resource in USED}
            | _counted(architecture),
        }
        for n, (name, (architecture, counts)) in enumerate(runs.items())
    ]
    largest = {name: max(float(f(a)) for a in architectures) for name, f in FEATURES.items()}
    return CostModel(
        coefficients=coefficients, error=error, largest=largest, tool=tool, runs=tuple(rows)
    )


def _misses(x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[float]:
    """How far each run is from what the others predict, where they have as much of everything.

    Of a run that alone has a feature the others know nothing: an estimate would say so.
    """
    for n in range(len(y)):
        kept = np.arange(len(y)) != n
        if (x[n] <= x[kept].max(axis=0)).all():
            others = relative_least_squares(x[kept], y[kept])
            yield float(abs(x[n] @ others - y[n]) / max(y[n], 1))


def _counted(architecture: Architecture) -> dict[str, int]:
    return {"dsps": count_multipliers(architecture), "brams": count_blocks(architecture)}


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
