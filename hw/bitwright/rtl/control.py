"""What passes between the registers and the core."""

from amaranth.lib.wiring import In, Out, Signature

from bitwright.isa import ErrorCode


class CoreControl(Signature):
    """What the registers tell the core, and what they read of it."""

    def __init__(self) -> None:
        super().__init__(
            {
                "load": Out(1),
                "run": Out(1),
                "clear_done": Out(1),
                "images": Out(32),
                "profile_address": Out(16),
                "profile_data": In(32),
                "busy": In(1),
                "loaded": In(1),
                "done": In(1),
                "error": In(ErrorCode),
                "error_thread": In(1),
                "error_pc": In(15),
                "cycles": In(64),
                "stalls": In(64),
                "macs": In(64),
                "images_done": In(32),
            }
        )
