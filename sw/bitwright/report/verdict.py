"""What a run showed, in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the RTL is the reference, and the network's cycles the model's."""

    exact: bool
    headline: str
    detail: str


def judge(report: Mapping[str, Any]) -> Verdict:
    """The verdict on a report's figures; the worst finding is the headline."""
    outputs, images = report["outputs_compared"], report["images"]
    scope = f"{images:,} images, {report['layers_compared']} layers each"
    if report["machine_error"] is not None:
        return Verdict(exact=False, headline=report["machine_error"], detail=f"after {scope}")
    if report["divergence"] is not None:
        found = report["divergence"]
        return Verdict(
            exact=False,
            headline=f"{report['mismatches']:,} of {outputs:,} outputs differ",
            detail=f"the first is in layer {found['layer']!r}, image {found['image']},"
            f" index {list(found['index'])}; compared until then: {scope}",
        )
    if report["cycle_errors"] or report["cycles_rtl"] != report["cycles_model"]:
        return Verdict(
            exact=False,
            headline=f"0 of {outputs:,} outputs differ, but cycles do",
            detail=f"{report['cycles_rtl']:,} counted, {report['cycles_model']:,} predicted;"
            f" {scope}",
        )
    return Verdict(
        exact=True,
        headline=f"0 of {outputs:,} outputs differ",
        detail=f"every bit of every layer's output on the RTL is the reference's; {scope}",
    )
