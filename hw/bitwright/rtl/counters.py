"""What a run is measured by: its counters, the profile of its instructions, and the trace."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from bitwright.isa import Architecture
from bitwright.rtl.buffers import WideBuffer
from bitwright.rtl.execute import ExecuteEngine
from bitwright.rtl.thread import Thread


def counters(
    m: Module,
    ports: wiring.Component,
    architecture: Architecture,
    running: Value,
    thread: Thread,
    execute: ExecuteEngine,
) -> None:
    """Count while ``running``; ``ports`` are those of `Core`, ``thread`` is the execute thread."""
    control, trace = ports.control, ports.trace
    began = Signal()
    # What is counted is far from over when the run is, and its sum is long enough.
    stalled, macs = Signal(), Signal.like(execute.macs)
    m.d.sync += [
        began.eq(running),
        stalled.eq(thread.waiting | execute.stalled),
        macs.eq(execute.macs),
    ]
    with m.If(running & ~began):
        m.d.sync += [
            control.cycles.eq(1),
            *(s.eq(0) for s in (control.stalls, control.macs, control.images_done)),
        ]
    with m.Elif(running):
        m.d.sync += [
            control.cycles.eq(control.cycles + 1),
            control.stalls.eq(control.stalls + stalled),
            control.macs.eq(control.macs + macs),
            control.images_done.eq(control.images_done + thread.body_done),
        ]
    # An instruction's cycles: from its issue, or from the end of the one still under way then.
    elapsed = Signal(32)
    begins = thread.issue & (thread.in_flight == 0)
    m.d.sync += elapsed.eq(Mux(begins | thread.done, 1, elapsed + 1))
    profile = WideBuffer(architecture.execute_instructions, 32)
    m.submodules.profile = profile
    m.d.comb += [
        profile.read_address.eq(control.profile_address),
        control.profile_data.eq(profile.read_data),
        profile.write_address.eq(thread.done_pc),
        profile.write_data.eq(elapsed),
        profile.write_enable.eq(execute.done),
        trace.write.eq(execute.write_valid),
        trace.bank.eq(execute.write_bank),
        trace.address.eq(execute.write_address),
        trace.count.eq(execute.write_count),
        trace.word.eq(execute.write_word),
        trace.issue.eq(thread.issue),
        trace.done.eq(execute.done),
        trace.pc.eq(thread.done_pc),
        trace.cycles.eq(elapsed),
    ]
