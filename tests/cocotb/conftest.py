"""Runs a cocotb bench of this folder: the tests' side."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bitwright.sim.bench import BenchResult, run_bench

ROOT = Path(__file__).parents[2]
SEED = 2026


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Callable[..., BenchResult]:
    """``bench(design, testcase=..., **environment)`` runs the calling module under cocotb.

    The simulator's Python imports the module by the name it has here, so that it can share the
    folder's helpers.
    """
    module = ".".join(request.path.relative_to(ROOT).with_suffix("").parts)

    def run(
        design: Any, top: str = "top", environment: Mapping[str, str] | None = None, **options: Any
    ) -> BenchResult:
        path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry)])
        variables = {"PYTHONPATH": path, **(environment or {})}
        return run_bench(
            module, design, top, seed=SEED, environment=variables, timeout=240, **options
        )

    return run
