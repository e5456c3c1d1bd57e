"""One compute instruction with what it reads beside activations."""

from dataclasses import dataclass, replace

from bitwright.compiler.pack import Bytes
from bitwright.compiler.work import Fields
from bitwright.isa import Architecture
from bitwright.isa.instructions import ExecuteOpcode


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One compute instruction, before its weights and parameters have addresses."""

    step: str
    fields: Fields
    weights: Bytes
    """(words, lanes); empty when the operation has none."""
    parameters: Bytes
    """(records, 16)."""

    def split(self, tiles: int, architecture: Architecture) -> list["Operation"]:
        """The same work as operations of at most ``tiles`` channel tiles each."""
        total = self.fields["channel_tiles"]
        if tiles >= total:
            return [self]
        vector = self.fields["opcode"] == ExecuteOpcode.VECTOR
        width = architecture.lanes if vector else architecture.columns
        depth = len(self.weights) // total
        parts = []
        for start in range(0, total, tiles):
            count = min(tiles, total - start)
            fields = dict(self.fields)
            fields["channel_tiles"] = count
            fields["out_base"] += start * (width // 8 if fields.get("signs") else width)
            fields["residual_base"] += start * width if fields["residual"] else 0
            if vector:
                fields["in_base"] += start * width
            if start + count < total:
                fields["last_columns"] = width
            parameters = self.parameters
            if not fields["uniform"]:
                parameters = parameters[start * width : (start + count) * width]
            parts.append(
                replace(
                    self,
                    fields=fields,
                    weights=self.weights[start * depth : (start + count) * depth],
                    parameters=parameters,
                )
            )
        return parts
