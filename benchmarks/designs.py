"""A component by itself as Verilog, for synthesis."""

from amaranth.back import verilog
from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.technology import TECHNOLOGIES

TOP = "dut"


class Alone(wiring.Component):
    """A component named ``name`` whose ports are plain vectors.

    Its neighbours in an accelerator hand its inputs over from registers, which are part of it here;
    all but those named in ``direct``.
    """

    def __init__(
        self, name: str, component: wiring.Component, direct: tuple[str, ...] = ()
    ) -> None:
        self._name, self._component, self._direct = name, component, direct
        members = component.signature.members
        order = sorted(members, key=lambda port: (members[port].flow is Out, port in direct))
        super().__init__(
            {port: members[port].flow(Shape.cast(members[port].shape).width) for port in order}
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules[self._name] = self._component
        for port, member in self.signature.members.items():
            inner, outer = Value.cast(getattr(self._component, port)), getattr(self, port)
            if member.flow is In and port not in self._direct:
                held = Signal(len(outer), name=f"held_{port}")
                m.d.sync += held.eq(outer)
                outer = held
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m


def verilog_of(component: wiring.Component, technology: str) -> str:
    """The module ``dut``, made for a technology."""
    platform = TECHNOLOGIES[technology]()
    return str(verilog.convert(component, name=TOP, platform=platform, emit_src=False))
