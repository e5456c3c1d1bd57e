"""Runs of a small network on the RTL, saved as `bitwright demo` saves them."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from tests.support.machines import SMALL
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile
from bitwright.report import choose_examples, collect, save_run
from bitwright.report.trace import read_trace
from bitwright.sim import measure, record_moment
from bitwright.sim.divergence import Divergence

IMAGES = 12
WRONG = 3
"""How many of the labels are not the network's answer."""

SILICON = {
    **{"luts": 1100, "ffs": 700, "dsps": 8, "brams": 14, "fmax_mhz": 81.25},
    "silicon": {
        "design": "a 4x4 accelerator",
        "device": "ecp5-45f",
        "tools": ["yosys 0.70", "nextpnr-ecp5 0.11"],
        "there": {"luts": 43848, "ffs": 43848, "dsps": 72, "brams": 108},
        "seeds": [1],
        "target_mhz": 100.0,
        "path": [{"module": "core.walker", "cells": 9, "logic_ns": 4.25, "routing_ns": 8.0}],
        "modules": [
            ["(top)", {"luts": 100, "ffs": 0, "dsps": 0, "brams": 0}],
            ["core.array.pe_*", {"luts": 1000, "ffs": 700, "dsps": 8, "brams": 14}],
        ],
    },
}
"""A design as if routed."""


def codes_written(program: Program, found: Divergence, waveform: Path) -> dict[int, int]:
    """By cycle, the codes that a waveform shows to be written at the place of a wrong output."""
    trace = read_trace(waveform, ["trace_write", "trace_bank", "trace_address", "trace_word"])
    plan = next(plan for plan in program.layers if plan.name == found.layer)
    channel, y, x = found.index
    lane = channel % program.architecture.columns
    place = plan.region.base + (y * plan.shape[2] + x) * plan.region.pitch + channel - lane
    return {
        cycle: trace.at("trace_word", cycle) >> 8 * lane & 0xFF
        for cycle in trace.high("trace_write")
        if (trace.at("trace_bank", cycle), trace.at("trace_address", cycle))
        == (plan.region.bank, place)
    }


def small_run(folder: Path, inject: str | None = None) -> Path:
    """Run a network with every kind of step, save the run, and return the page's path."""
    program = compile(random_network(1), SMALL)
    codes = random_codes(program.network, IMAGES)
    labels = program.network.run(codes).argmax(axis=1)
    labels[:WRONG] += 1
    measured = measure(program, codes, inject=inject)
    folder.mkdir(parents=True, exist_ok=True)
    recording = record_moment(
        program, codes, measured.found.divergence, folder / "w.vcd", inject=inject
    )
    figures = collect(
        program,
        measured.to_json(program, labels),
        data="noise",
        seed=7,
        injected=inject,
        accuracies={"accuracy_float": 0.875, "accuracy_reference": 1 - WRONG / IMAGES},
        waveform={"file": "w.vcd"} | asdict(recording),
        silicon=SILICON,
        tools={"python": "3.x", "perl": None},
    )
    pixels = (codes.astype(np.int16) + 128).astype(np.uint8)
    return save_run(
        folder, program, figures, choose_examples(pixels, 255, labels, measured.answers)
    )
