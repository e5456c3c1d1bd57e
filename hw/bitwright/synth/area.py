"""The area of a netlist as a tree of modules, equal instances together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bitwright.synth.devices import Resources
from bitwright.synth.hierarchy import ModuleArea, folded

NOTHING = Resources(luts=0, ffs=0, dsps=0, brams=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """All instances of one place in the hierarchy."""

    path: str
    """Instance names from the top down, numbers replaced by a star; empty for the top."""
    instances: int
    own: Resources
    """Of all instances, without the modules in them."""
    total: Resources
    """With them."""

    @property
    def counts(self) -> dict[str, int]:
        """The own area by resource."""
        return asdict(self.own)

    @property
    def depth(self) -> int:
        """Modules above this one."""
        return self.path.count(".") + 1 if self.path else 0

    @property
    def name(self) -> str:
        """The last part of the path; `(top)` for the top."""
        return self.path.rpartition(".")[2] or "(top)"


def area_tree(modules: Iterable[ModuleArea]) -> tuple[Branch, ...]:
    """Return the branches in order: each before those in it, larger (in LUTs) before smaller.

    The own areas add up to the netlist's, and so does the total of the first branch.
    """
    own: defaultdict[str, Resources] = defaultdict(lambda: NOTHING)
    total: defaultdict[str, Resources] = defaultdict(lambda: NOTHING)
    instances: defaultdict[str, set[str]] = defaultdict(set)
    for area in modules:
        own[folded(area.path)] += area.resources
        for path in _upwards(area.path):
            total[folded(path)] += area.resources
            instances[folded(path)].add(path)

    def rank(path: str) -> tuple[tuple[int, int, str], ...]:
        return tuple(
            (-total[above].luts, -total[above].ffs, above) for above in reversed(_upwards(path))
        )

    return tuple(
        Branch(path=path, instances=len(instances[path]), own=own[path], total=total[path])
        for path in sorted(total, key=rank)
    )


def _upwards(path: str) -> list[str]:
    """Return the path, what it lies in, and so on up to the top.

    >>> _upwards("core.array")
    ['core.array', 'core', '']
    """
    found = [path]
    while path:
        path = path.rpartition(".")[0]
        found.append(path)
    return found
