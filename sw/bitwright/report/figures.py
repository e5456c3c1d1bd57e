"""The report's plots, drawn with matplotlib into SVG that follows the page's colours."""

from collections.abc import Mapping, Sequence
from typing import Any

from bitwright.isa import Architecture
from bitwright.report.palette import LIGHT
from bitwright.report.plot import HUES, as_svg, drawing
from bitwright.report.tenants import Step, Tenant


def layers_figure(layers: Sequence[Mapping[str, Any]], architecture: Architecture) -> str:
    """Cycles of each layer, split into products and the rest, beside its share of the array."""
    from matplotlib.ticker import PercentFormatter

    size = architecture.rows * architecture.columns
    shown = [layer for layer in layers if layer["cycles_model"] or layer["cycles_rtl"]]
    places = range(len(shown))
    cycles = [_cycles(layer) for layer in shown]
    # The cycles that the products would take if every PE had one in each.
    products = [layer["macs"] / size for layer in shown]
    with drawing(0.36 * len(shown) + 1.3) as figure:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.25))
        rest = [
            total - ideal if layer["macs"] else 0
            for layer, total, ideal in zip(shown, cycles, products, strict=True)
        ]
        other = [0 if layer["macs"] else n for layer, n in zip(shown, cycles, strict=True)]
        for values, start, hue, name in (
            (products, None, "blue", "products, one per PE and cycle"),
            (rest, products, "orange", "unused rows, columns and words; fill and drain"),
            (other, None, "purple", "transfer and pooling"),
        ):
            left.barh(places, values, 0.62, left=start, color=LIGHT[hue], label=name)
        left.scatter(
            [layer["cycles_model"] for layer in shown],
            places,
            marker="|",
            s=190,
            linewidths=1.6,
            color=LIGHT["ink"],
            label="predicted",
            zorder=3,
        )
        left.set_yticks(places, [layer["name"] for layer in shown])
        left.invert_yaxis()
        left.set_xlabel("cycles per image, counted on the RTL")
        left.set_xlim(0, 1.04 * max([*cycles, *(layer["cycles_model"] for layer in shown)]))
        left.legend(loc="lower center", bbox_to_anchor=(0.62, 1.0), ncols=2)

        for place, layer in zip(places, shown, strict=True):
            share = layer["utilization"]
            if share is None:
                continue
            right.barh(place, share, 0.62, color=LIGHT["green"])
            inside = share > 0.6
            right.annotate(
                f"{share:.1%}",
                (share, place),
                xytext=(-4 if inside else 4, 0),
                textcoords="offset points",
                ha="right" if inside else "left",
                va="center",
                color=LIGHT["paper" if inside else "ink"],
            )
        right.set_xlim(0, 1)
        right.xaxis.set_major_formatter(PercentFormatter(1, 0))
        right.set_xlabel("utilisation of the array")
        right.tick_params(axis="y", length=0)
        return as_svg(figure, "layers")


def banks_figure(
    found: Sequence[Tenant], steps: Sequence[Step], owners: Sequence[str | None], capacity: int
) -> str:
    """What lies in the two activation banks while an image passes, under the instructions."""
    from matplotlib.patches import Rectangle

    hues = {tenant.name: HUES[n % len(HUES)] for n, tenant in enumerate(found)}
    tops = [max([t.base + t.size for t in found if t.bank == bank], default=0) for bank in (0, 1)]
    end = max(step.end for step in steps)
    with drawing(5.2) as figure:
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(0.4, 2, 2))
        strip = axes[0]
        for step, owner in zip(steps, owners, strict=True):
            hue = hues.get(owner or "", "muted")
            box = Rectangle((step.begin, 0), step.end - step.begin, 1, color=LIGHT[hue])
            box.set_edgecolor(LIGHT["paper"])
            strip.add_patch(box)
        strip.set_ylim(0, 1)
        strip.set_yticks([0.5], ["instruction"])
        strip.tick_params(axis="y", length=0)
        for bank, axis in enumerate(axes[1:]):
            for tenant in (t for t in found if t.bank == bank):
                _room(axis, tenant, LIGHT[hues[tenant.name]], end, tops[bank])
            axis.set_ylim(0, 1.22 * max(*tops, 1))
            axis.set_ylabel("bytes")
            axis.text(
                0.995,
                0.97,
                f"bank {bank}: {tops[bank]:,} of {capacity:,} bytes used",
                transform=axis.transAxes,
                ha="right",
                va="top",
                color=LIGHT["muted"],
            )
        axes[-1].set_xlim(0, end)
        axes[-1].set_xlabel("cycles since the first instruction of an image")
        return as_svg(figure, "banks")


def _room(axis: Any, tenant: Tenant, colour: str, end: int, top: int) -> None:
    from matplotlib.patches import Rectangle

    length = tenant.end - tenant.begin
    corner = (tenant.begin, tenant.base)
    axis.add_patch(Rectangle(corner, length, tenant.size, facecolor=colour, alpha=0.22))
    axis.add_patch(Rectangle(corner, length, tenant.size, fill=False, edgecolor=colour))
    if length > 0.009 * end * len(tenant.name) and tenant.size > 0.08 * top:
        place, across, along = (0.5, 0.5), "center", "center"
    else:  # no room inside
        late = tenant.begin > 0.8 * end
        place, across, along = (1.0 if late else 0.0, 1.03), "right" if late else "left", "bottom"
    axis.text(
        tenant.begin + place[0] * length,
        tenant.base + place[1] * tenant.size,
        tenant.name,
        ha=across,
        va=along,
        color=LIGHT["ink"],
    )


def _cycles(layer: Mapping[str, Any]) -> int:
    counted = layer["cycles_rtl"]
    return int(layer["cycles_model"] if counted is None else counted)
