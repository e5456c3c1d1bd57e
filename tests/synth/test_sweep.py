"""Several seeds: what is reported of them, and that none is run twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bitwright.synth import RouteReport, Sweep, find_device, parse_seeds, route_seeds, tools

ICE40 = find_device("ice40-up5k")


def with_fmax(report: RouteReport, seed: int, fmax_mhz: float) -> RouteReport:
    clock = replace(report.clocks[0], fmax_mhz=fmax_mhz)
    return replace(report, seed=seed, clocks=(clock,))


@pytest.mark.parametrize(
    ("fmax", "median"),
    [([50.0], 50.0), ([70.0, 50.0], 50.0), ([50.0, 90.0, 60.0], 60.0), ([4, 1, 3, 2], 2)],
)
def test_fmax_is_the_median_and_every_seed_is_listed(
    routed: RouteReport, fmax: list[float], median: float
) -> None:
    runs = tuple(with_fmax(routed, seed, value) for seed, value in enumerate(fmax, 1))
    sweep = Sweep(runs=runs)
    assert sweep.fmax_mhz == median
    written = json.loads(sweep.to_json())
    assert written["fmax_mhz"] == median
    assert [run["fmax_mhz"] for run in written["seeds"]] == fmax
    assert RouteReport.from_mapping(written["median"]) == sweep.median


def test_sweep_goes_on_where_it_was_interrupted(
    design: str, build: Path, routed: RouteReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, real = [], tools.run

    def counted(program: tools.Program, *rest: object) -> float:
        ran.append(program.name)
        if ran.count(program.name) > 1:
            raise KeyboardInterrupt
        return real(program, *rest)

    monkeypatch.setattr(tools, "run", counted)
    with pytest.raises(KeyboardInterrupt):
        route_seeds(design, "mac", ICE40, (1, 11, 12), build=build)
    assert len(ran) == 2  # seed 1 was there; 11 was made, 12 interrupted
    ran.clear()
    told: list[str] = []
    runs: list[int] = []
    sweep = route_seeds(
        design,
        "mac",
        ICE40,
        (1, 11, 12),
        build=build,
        on_progress=told.append,
        on_run=lambda run: runs.append(run.seed),
    )
    assert len(ran) == 1
    assert runs == [run.seed for run in sweep.runs] == [1, 11, 12]
    assert all(text.startswith("seed 12 (3 of 3): ") for text in told)


@pytest.mark.parametrize("seeds", [(), (1, 2, 1)])
def test_no_seeds_or_one_twice_are_refused(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one, and different"):
        route_seeds("", "mac", ICE40, seeds)


@pytest.mark.parametrize("text", ["", "0", "three", "1,x", "2,0", "1.5"])
def test_seeds_that_are_no_count_and_no_list_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seeds are a count"):
        parse_seeds(text)
