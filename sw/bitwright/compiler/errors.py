"""What the compiler refuses."""


class CompileError(ValueError):
    """A network that does not fit; names the layer, what it needs and what there is."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"layer {layer!r}: {reason}")
        self.layer = layer
