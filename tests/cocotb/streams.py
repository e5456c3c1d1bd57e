"""Stream rules that every bench with a handshake watches."""

import random
from collections.abc import Iterator

from cocotb.handle import LogicArrayObject, LogicObject
from cocotb.triggers import RisingEdge

FLOW, STALL, RANDOM = "flow", "stall", "random"


def pauses(kind: str, seed: int) -> Iterator[bool]:
    """Cycle by cycle whether a side pauses: never, mostly, or in random bursts."""
    rng = random.Random(f"{kind} {seed}")
    while True:
        if kind == FLOW:
            yield False
        elif kind == STALL:
            yield rng.random() < 0.8
        else:
            paused = rng.random() < 0.5
            for _ in range(rng.randint(1, 12)):
                yield paused


async def watch_stability(
    clock: LogicObject,
    reset: LogicObject,
    valid: LogicObject,
    ready: LogicObject,
    *payload: LogicArrayObject,
) -> None:
    """Fail if an offered transfer is withdrawn or changed before it is taken, but for a reset."""
    offered = None
    while True:
        await RisingEdge(clock)
        if int(reset.value):
            offered = None
            continue
        now = tuple(int(signal.value) for signal in payload) if int(valid.value) else None
        assert offered is None or now == offered, f"{valid._name}: {offered} became {now}"
        offered = None if int(ready.value) else now
