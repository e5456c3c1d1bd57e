"""The register file, from the one register description in `bitwright.isa.registers`."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_LOAD,
    CONTROL_RESET,
    CONTROL_RUN,
    MAGIC,
    PROFILE_BASE,
    REGISTERS,
    STATUS_DONE,
    VERSION,
)
from bitwright.rtl.axi import AxiLite, AxiLiteSubordinate
from bitwright.rtl.control import CoreControl


class RegisterFile(wiring.Component):
    """AXI4-Lite access to the machine's state.

    Latency: a write acts in the cycle it is accepted; a read answers three cycles after its
    address. ``soft_reset`` is high for one cycle; the registers themselves keep their values.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        super().__init__(
            {
                "bus": In(AxiLite()),
                "core": Out(CoreControl()),
                "soft_reset": Out(1),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self.core
        m.submodules.subordinate = subordinate = AxiLiteSubordinate()
        wiring.connect(m, wiring.flipped(self.bus), subordinate.bus)

        irq_done, irq_error = Signal(), Signal()
        failed = core.error != ErrorCode.NONE
        m.d.comb += self.interrupt.eq((irq_done & core.done) | (irq_error & failed))
        # Commands go far: they leave registers, a cycle after their write.
        commands = {
            CONTROL_LOAD: core.load,
            CONTROL_RUN: core.run,
            CONTROL_RESET: self.soft_reset,
        }
        m.d.sync += [command.eq(0) for command in commands.values()]
        with m.If(subordinate.write_enable):
            written = subordinate.write_data
            with m.Switch(subordinate.write_address):
                with m.Case(REGISTERS["control"].address):
                    m.d.sync += [
                        *(command.eq(written[bit]) for bit, command in commands.items()),
                        irq_done.eq(written[CONTROL_IRQ_DONE]),
                        irq_error.eq(written[CONTROL_IRQ_ERROR]),
                    ]
                with m.Case(REGISTERS["status"].address):
                    m.d.comb += core.clear_done.eq(written[STATUS_DONE])
                with m.Case(REGISTERS["images"].address):
                    m.d.sync += core.images.eq(written)
        with m.Switch(subordinate.write_address):
            for register in REGISTERS.values():
                if register.access == "rw":
                    with m.Case(register.address):
                        pass
            with m.Default():
                m.d.comb += subordinate.write_unknown.eq(1)

        values = {
            "identity": MAGIC,
            "version": VERSION,
            "hash_low": self._architecture.hash & 0xFFFF_FFFF,
            "hash_high": self._architecture.hash >> 32,
            "control": Cat(irq_done, irq_error) << CONTROL_IRQ_DONE,
            "status": Cat(core.busy, core.loaded, core.done, failed),
            "error": (core.error_pc << 16) | (core.error_thread << 8) | core.error,
            "images": core.images,
            "cycles_low": core.cycles[:32],
            "cycles_high": core.cycles[32:],
            "stalls_low": core.stalls[:32],
            "stalls_high": core.stalls[32:],
            "macs_low": core.macs[:32],
            "macs_high": core.macs[32:],
            "images_done": core.images_done,
        }
        address = subordinate.read_address
        in_profile = address[PROFILE_BASE.bit_length() - 1]
        m.d.comb += core.profile_address.eq(address[2:16])
        with m.If(in_profile):
            count = self._architecture.execute_instructions
            m.d.comb += [
                subordinate.read_data.eq(core.profile_data),
                subordinate.read_unknown.eq((address[2:16] >= count) | (address[:2] != 0)),
            ]
        with m.Else():
            with m.Switch(address):
                for name, register in REGISTERS.items():
                    with m.Case(register.address):
                        m.d.comb += subordinate.read_data.eq(values[name])
                with m.Default():
                    m.d.comb += subordinate.read_unknown.eq(1)
        return m
