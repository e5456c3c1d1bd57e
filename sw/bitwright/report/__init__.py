"""A run's figures as a page for people, and waveforms as pictures."""

from bitwright.report.compression import render_compression, save_compression
from bitwright.report.examples import Examples, choose_examples
from bitwright.report.run import (
    ReportError,
    collect,
    load_figures,
    mark_latest,
    render_run,
    save_run,
)
from bitwright.report.verdict import Verdict, judge

__all__ = [
    "Examples",
    "ReportError",
    "Verdict",
    "choose_examples",
    "collect",
    "judge",
    "load_figures",
    "mark_latest",
    "render_compression",
    "render_run",
    "save_compression",
    "save_run",
]
