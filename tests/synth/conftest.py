"""A small design and its routed result, made once for all test processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from amaranth.back import verilog as amaranth_verilog
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.synth import RouteReport, find_device, place_and_route


class MultiplyAccumulate(wiring.Component):
    """``acc += a * b`` while ``go``, and the number of products in ``count``."""

    a: In(signed(8))
    b: In(signed(8))
    go: In(1)
    acc: Out(signed(24))
    count: Out(8)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b, product = Signal(signed(8)), Signal(signed(8)), Signal(signed(16))
        m.d.sync += [a.eq(self.a), b.eq(self.b), product.eq(a * b)]
        with m.If(self.go):
            m.d.sync += [self.acc.eq(self.acc + product), self.count.eq(self.count + 1)]
        return m


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock between test processes; the file stays."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def design() -> str:
    return amaranth_verilog.convert(MultiplyAccumulate(), name="mac", emit_src=False)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One results folder for all processes, so that each synthesis runs once."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "synth"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def routed(design: str, build: Path) -> RouteReport:
    """The design on an iCE40; the first call ever of a PyPI tool compiles it, tens of seconds."""
    with one_at_a_time(build / "lock"):
        return place_and_route(design, "mac", find_device("ice40-up5k"), build=build)
