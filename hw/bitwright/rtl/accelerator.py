"""The accelerator's top: threads, engines, buffers, registers and streams."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture
from bitwright.rtl.axi import AxiLite, AxiStream
from bitwright.rtl.beat import Beat
from bitwright.rtl.core import Core
from bitwright.rtl.registers import RegisterFile
from bitwright.rtl.skid import SkidBuffer
from bitwright.rtl.trace import Trace


class Accelerator(wiring.Component):
    """An AXI4-Lite controlled accelerator with three AXI4-Streams.

    Members: ``control`` (registers), ``weights`` (program, then weights and parameters), ``inputs``
    and ``outputs`` (activations), ``irq``, and ``trace`` for simulation. Each stream passes
    a skid buffer. A soft or hard reset at any cycle returns to idle; memories keep their contents
    and are written before they are read.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "control": In(AxiLite()),
                "weights": In(AxiStream(lanes)),
                "inputs": In(AxiStream(lanes)),
                "outputs": Out(AxiStream(lanes)),
                "irq": Out(1),
                "trace": Out(Trace(lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        beat = Beat(self._architecture.lanes)
        m.submodules.registers = registers = RegisterFile(self._architecture)
        reset = Signal()
        m.submodules.core = core = ResetInserter(reset)(Core(self._architecture))
        m.d.comb += reset.eq(registers.soft_reset)
        wiring.connect(m, wiring.flipped(self.control), registers.bus)
        wiring.connect(m, registers.core, core.control)
        m.d.comb += self.irq.eq(registers.interrupt)

        for name in ("weights", "inputs"):
            port, target = getattr(self, name), getattr(core, name)
            skid = ResetInserter(reset)(SkidBuffer(beat))
            m.submodules[f"{name}_skid"] = skid
            m.d.comb += [
                skid.sink.valid.eq(port.tvalid),
                skid.sink.payload.word.eq(port.tdata),
                skid.sink.payload.last.eq(port.tlast),
                port.tready.eq(skid.sink.ready),
            ]
            wiring.connect(m, skid.source, target)
        m.submodules.outputs_skid = skid = ResetInserter(reset)(SkidBuffer(beat))
        wiring.connect(m, core.outputs, skid.sink)
        m.d.comb += [
            self.outputs.tvalid.eq(skid.source.valid),
            self.outputs.tdata.eq(skid.source.payload.word),
            self.outputs.tlast.eq(skid.source.payload.last),
            skid.source.ready.eq(self.outputs.tready),
        ]
        for name in self.trace.signature.members:
            m.d.comb += getattr(self.trace, name).eq(getattr(core.trace, name))
        return m
