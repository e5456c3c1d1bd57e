"""The fields of an instruction, and the check that the hardware can run it."""

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed, unsigned

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import (
    ExecuteOpcode,
    Field,
    RoundingCode,
    VectorOp,
)


def field_signals(m: Module, instruction: Value, fields: dict[str, Field]) -> dict[str, Signal]:
    """A signal for each field of ``instruction``, named as in the table."""
    signals = {}
    for name, field in fields.items():
        shape = signed(field.width) if field.signed else unsigned(field.width)
        signal = Signal(shape, name=f"field_{name}")
        start = 32 * field.word + field.offset
        m.d.comb += signal.eq(instruction[start : start + field.width])
        signals[name] = signal
    return signals


def check_execute(m: Module, f: dict[str, Signal], architecture: Architecture) -> Signal:
    """The `ErrorCode` of an execute instruction: NONE, OPCODE, LENGTH or ADDRESS."""
    error = Signal(ErrorCode, name="execute_error")
    computes = Signal()
    loops = ["words", "kernel_x", "kernel_y", "out_width", "out_height", "channel_tiles"]
    columns = Signal(8)
    empty = Signal()
    roundings = [int(RoundingCode[name]) for name in architecture.roundings]
    m.d.comb += [
        computes.eq((f["opcode"] == ExecuteOpcode.CONV) | (f["opcode"] == ExecuteOpcode.VECTOR)),
        columns.eq(architecture.columns),
    ]
    with m.If(f["opcode"] == ExecuteOpcode.VECTOR):
        m.d.comb += columns.eq(architecture.lanes)
    zero = [f[name] == 0 for name in [*loops, "last_columns"]]
    for condition in zero:
        with m.If(condition):
            m.d.comb += empty.eq(1)
    with m.If(computes):
        with m.If(empty | (f["last_columns"] > columns)):
            m.d.comb += error.eq(ErrorCode.LENGTH)
        known = Signal()
        with m.Switch(f["rounding"]):
            for code in roundings:
                with m.Case(code):
                    m.d.comb += known.eq(1)
        operations = [VectorOp.MAX, VectorOp.SUM, VectorOp.MAC]
        operations += [VectorOp.DEPTHWISE] if architecture.line_words else []
        operations += [VectorOp.OR] if architecture.xnor else []
        operates = Cat(f["vector_op"] == op for op in operations).any()
        with m.If(~known | ~operates):
            m.d.comb += error.eq(ErrorCode.OPCODE)
        bits = f["binary"] | f["signs"]
        takes_bits = (f["opcode"] == ExecuteOpcode.CONV) if architecture.xnor else Const(0, 1)
        with m.If(bits & ~takes_bits):
            m.d.comb += error.eq(ErrorCode.OPCODE)
        fills = (f["last_bits"] != 0) & (f["last_bits"] <= 8 * architecture.lanes)
        with m.If(f["binary"] & takes_bits & ~fills):
            m.d.comb += error.eq(ErrorCode.LENGTH)
        if not architecture.residual_bits:
            with m.If(f["residual"]):
                m.d.comb += error.eq(ErrorCode.OPCODE)
        # A bank has one read port.
        with m.If(f["residual"] & (f["residual_bank"] == f["in_bank"])):
            m.d.comb += error.eq(ErrorCode.ADDRESS)
        depthwise = f["vector_op"] == VectorOp.DEPTHWISE
        with m.If((f["opcode"] == ExecuteOpcode.VECTOR) & ~depthwise & (f["words"] != 1)):
            m.d.comb += error.eq(ErrorCode.LENGTH)
        if architecture.line_words:
            fits = (f["words"] >= 2) & (f["words"] <= architecture.line_words) & (f["height"] != 0)
            steps = (f["kernel_x_step"] != 0) & (f["kernel_y_step"] != 0)
            point = (f["kernel_x"] == 1) & (f["kernel_y"] == 1)
            runs = fits & steps & point & (f["repeats"] == 0)
            with m.If((f["opcode"] == ExecuteOpcode.VECTOR) & depthwise & ~runs):
                m.d.comb += error.eq(ErrorCode.LENGTH)
    with m.Elif((f["opcode"] == ExecuteOpcode.IN) | (f["opcode"] == ExecuteOpcode.OUT)):
        with m.If(f["weight_base"] == 0):
            m.d.comb += error.eq(ErrorCode.LENGTH)
    with m.Elif(f["opcode"] != ExecuteOpcode.NOP):
        m.d.comb += error.eq(ErrorCode.OPCODE)
    return error
