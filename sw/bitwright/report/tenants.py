"""Which tensor lies where in the activation banks, and from which cycle to which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitwright.compiler import LayerPlan, Program, Region
from bitwright.network import Concat, Flatten, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """When one execute instruction ran, in cycles."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tensor in a bank, from the begin of what writes it to the end of what last reads it."""

    name: str
    bank: int
    base: int
    """Bytes."""
    size: int
    """Bytes from its first to its last."""
    begin: int
    """Cycles."""
    end: int


def tenants(program: Program, steps: Sequence[Step]) -> tuple[Tenant, ...]:
    """Every tensor with memory of its own, by begin.

    A flattened tensor is the one it shows; what is written into a concatenation in place is part
    of it.
    """
    plans = {plan.name: plan for plan in program.layers}
    roots = _roots(program.network, plans)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for layer in program.network:
        name, own = roots[layer.name], plans[layer.name].instructions
        if not isinstance(layer, Flatten):
            first[name] = min(first.get(name, own[0]), *own)
        for reached in (name, *(roots[source] for source in layer.inputs)):
            last[reached] = max(last.get(reached, 0), *own)
    last[roots[program.network.output.name]] = len(steps) - 1
    found = [
        Tenant(
            name=name,
            bank=plans[name].region.bank,
            base=plans[name].region.base,
            size=plans[name].region.extent,
            begin=steps[first[name]].begin,
            end=steps[last[name]].end,
        )
        for name in first
    ]
    return tuple(sorted(found, key=lambda tenant: (tenant.begin, tenant.bank, tenant.base)))


def owners(program: Program) -> list[str | None]:
    """The layer that each execute instruction computes; None for a copy and for the output."""
    found: list[str | None] = [None] * len(program.execute)
    for layer, plan in zip(program.network, program.layers, strict=True):
        if not isinstance(layer, Flatten | Concat):
            for number in plan.instructions:
                found[number] = plan.name
    return found


def _roots(network: Network, plans: Mapping[str, LayerPlan]) -> dict[str, str]:
    """The tensor whose memory each one lies in."""
    roots = {layer.name: layer.name for layer in network}
    # Backwards, so that a concatenation's own root is known before its inputs'.
    for layer in reversed(network.layers):
        if isinstance(layer, Concat):
            for source in layer.inputs:
                if _within(plans[source].region, plans[layer.name].region):
                    roots[source] = roots[layer.name]
    for layer in network:
        if isinstance(layer, Flatten):
            roots[layer.name] = roots[layer.inputs[0]]
    return roots


def _within(inner: Region, outer: Region) -> bool:
    return (
        inner.bank == outer.bank
        and inner.pitch == outer.pitch
        and inner.pixels == outer.pixels
        and outer.base <= inner.base
        and inner.base + inner.pixel_bytes <= outer.base + outer.pixel_bytes
    )
