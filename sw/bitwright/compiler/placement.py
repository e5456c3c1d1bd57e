"""Banks and addresses: a buffer plan by lifetime."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from bitwright.compiler.errors import CompileError
from bitwright.compiler.steps import Step
from bitwright.compiler.storage import Storage
from bitwright.isa import Architecture
from bitwright.network import Network

MAX_ASSIGNMENTS = 512
"""Ways to distribute components over banks that are tried before giving up."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a root lies."""

    bank: int
    base: int
    """Byte address in the bank, a multiple of a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Root:
    name: str
    size: int
    first: int
    """Step that first writes it; -1 for the input."""
    last: int
    """Step that last reads it."""


def resolve_banks(steps: list[Step], storage: Storage) -> tuple[list[Step], dict[str, int]]:
    """Colour the roots so that each step's two operands lie apart; copy one where that fails.

    Returns the steps, with copies put in, and each constrained root's component and side:
    2 component + side.
    """
    component: dict[str, tuple[int, int]] = {}
    members: dict[int, set[str]] = {}

    def find(root: str) -> tuple[int, int]:
        if root not in component:
            component[root] = len(component), 0
            members[component[root][0]] = {root}
        return component[root]

    resolved = []
    for step in steps:
        if step.second is None:
            resolved.append(step)
            continue
        a, b = storage.views[step.source].root, storage.views[step.second].root
        (ca, side_a), (cb, side_b) = find(a), find(b)
        if ca != cb:
            # Merge b's component into a's, turned so that the two differ.
            turn = 1 ^ side_a ^ side_b
            for root in members.pop(cb):
                component[root] = ca, component[root][1] ^ turn
                members[ca].add(root)
            resolved.append(step)
        elif side_a != side_b:
            resolved.append(step)
        else:
            copied = f"{step.target}.second"
            view = storage.views[step.second]
            storage.views[copied] = type(view)(
                root=copied,
                offset=0,
                pitch=view.channels,
                height=view.height,
                width=view.width,
                channels=view.channels,
            )
            component[copied] = ca, side_a ^ 1
            members[ca].add(copied)
            resolved.append(Step(layer=None, source=step.second, target=copied))
            resolved.append(
                Step(layer=step.layer, source=step.source, second=copied, target=step.target)
            )
    return resolved, {root: 2 * c + side for root, (c, side) in component.items()}


def place(
    network: Network,
    architecture: Architecture,
    steps: list[Step],
    storage: Storage,
    sides: dict[str, int],
    batch: int,
) -> dict[str, Place]:
    """An address for every root, such that roots alive together do not overlap.

    The images of a batch lie behind one another, each tensor's without a gap.
    """
    roots = _lifetimes(network, architecture, steps, storage, batch)
    for root in roots:
        if root.size > architecture.bank_bytes:
            raise CompileError(
                root.name,
                f"its {root.size} bytes do not fit an activation bank of"
                f" {architecture.bank_bytes} bytes (activation_words"
                f" {architecture.activation_words} of {architecture.lanes})",
            )
    worst: _Root | None = None
    for banks in _assignments(roots, sides):
        found = _pack(roots, banks, architecture.bank_bytes)
        if isinstance(found, dict):
            return found
        worst = worst or found
    assert worst is not None
    alive = [r for r in roots if r.first <= worst.last and worst.first <= r.last]
    raise CompileError(
        worst.name,
        f"no room for its {worst.size} bytes beside what lives with it"
        f" ({', '.join(f'{r.name} {r.size}' for r in alive if r is not worst)}) in two banks of"
        f" {architecture.bank_bytes} bytes",
    )


def _lifetimes(
    network: Network,
    architecture: Architecture,
    steps: list[Step],
    storage: Storage,
    batch: int,
) -> list[_Root]:
    first: dict[str, int] = {storage.views[network.input.name].root: -1}
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        root = storage.views[step.target].root
        first.setdefault(root, index)
        last[root] = max(last.get(root, index), index)
        for name in (step.source, step.second):
            if name is not None:
                last[storage.views[name].root] = index
    last[storage.views[network.output.name].root] = len(steps)
    sizes: dict[str, int] = {}
    for view in storage.views.values():
        # Rounded to words: streams move whole ones.
        end = view.offset + (batch * view.height * view.width - 1) * view.pitch + view.channels
        words = -(-end // architecture.lanes)
        sizes[view.root] = max(sizes.get(view.root, 0), words * architecture.lanes)
    return [
        _Root(name=name, size=sizes[name], first=begin, last=last.get(name, begin))
        for name, begin in first.items()
    ]


def _assignments(roots: list[_Root], sides: dict[str, int]) -> Iterator[dict[str, int]]:
    """Banks for all roots: each component (or free root) one way round or the other."""
    keys = sorted({sides.get(r.name, -2 - 2 * i) >> 1 for i, r in enumerate(roots)})
    # A chain of layers alternates when every root starts opposite to the one before.
    for flips in islice(product((0, 1), repeat=len(keys)), MAX_ASSIGNMENTS):
        turned = {
            key: (n & 1) ^ flip for n, (key, flip) in enumerate(zip(keys, flips, strict=True))
        }
        yield {
            r.name: turned[sides.get(r.name, -2 - 2 * i) >> 1] ^ (sides.get(r.name, 0) & 1)
            for i, r in enumerate(roots)
        }


def _pack(roots: list[_Root], banks: dict[str, int], capacity: int) -> dict[str, Place] | _Root:
    """Greedy by size: each root at the lowest address free in its life, or the one that fails."""
    placed: list[tuple[_Root, Place]] = []
    for root in sorted(roots, key=lambda r: (-r.size, r.first)):
        base = 0
        neighbours = sorted(
            (
                (p.base, other.size)
                for other, p in placed
                if p.bank == banks[root.name]
                and other.first <= root.last
                and root.first <= other.last
            ),
        )
        for start, size in neighbours:
            if base + root.size <= start:
                break
            base = max(base, start + size)
        if base + root.size > capacity:
            return root
        placed.append((root, Place(banks[root.name], base)))
    return {root.name: found for root, found in placed}
