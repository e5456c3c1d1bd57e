"""Weights and parameters to addresses, and the tokens that keep the two threads apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bitwright.compiler import pack
from bitwright.compiler.coding import code_weights
from bitwright.compiler.errors import CompileError
from bitwright.compiler.operation import Operation
from bitwright.compiler.pack import Bytes
from bitwright.isa import Architecture
from bitwright.isa.instructions import FetchOpcode, encode_fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Operations with addresses and tokens, and the fetch thread that serves them."""

    operations: list[Operation]
    fetch: list[list[int]]
    prologue_count: int
    credits: int
    prologue: Bytes
    body: Bytes


def schedule(operations: list[Operation], architecture: Architecture) -> Schedule:
    """Keep everything resident if it fits; otherwise stream it, a chunk behind each operation."""
    words = sum(len(weights) for weights in _distinct(op.weights for op in operations))
    records = sum(len(found) for found in _distinct(op.parameters for op in operations))
    resident = words <= architecture.weight_words and records <= architecture.parameter_records
    return (_resident if resident else _streamed)(operations, architecture)


def _resident(operations: list[Operation], architecture: Architecture) -> Schedule:
    fetch, data = [], []
    weights = _distinct(op.weights for op in operations)
    parameters = _distinct(op.parameters for op in operations)
    words, records = _bases(weights), _bases(parameters)
    # Coded, each layer has a code of its own.
    together = [np.concatenate(weights)] if weights and not architecture.huffman else weights
    for base, found in zip(_bases(together), together, strict=False):
        if len(found):
            instruction, packet = _fetch_weights(found, architecture, base=base)
            fetch.append(instruction)
            data.append(packet)
    fetch.append(encode_fetch(opcode=FetchOpcode.PARAMETERS, base=0, count=records[-1]))
    data.append(pack.record_beats(np.concatenate(parameters), architecture.lanes))
    word = {id(found): base for found, base in zip(weights, words, strict=False)}
    record = {id(found): base for found, base in zip(parameters, records, strict=False)}
    return Schedule(
        operations=[_at(op, word[id(op.weights)], record[id(op.parameters)]) for op in operations],
        fetch=fetch,
        prologue_count=len(fetch),
        credits=0,
        prologue=np.concatenate(data),
        body=np.zeros((0, architecture.lanes), np.uint8),
    )


def _fetch_weights(
    weights: Bytes, architecture: Architecture, **fields: int
) -> tuple[list[int], Bytes]:
    """The instruction that fetches weights, and its packet: coded, if that is shorter."""
    fields["count"] = len(weights)
    coded = code_weights(weights) if architecture.huffman else None
    if coded is None:
        return encode_fetch(opcode=FetchOpcode.WEIGHTS, **fields), weights
    fields |= {"numbers": coded.numbers, "beats": len(coded.data)}
    return encode_fetch(opcode=FetchOpcode.CODED, **fields), coded.data


def _distinct(arrays: Iterable[Bytes]) -> list[Bytes]:
    """Each array once: operations on the images of a batch share theirs."""
    return list({id(array): array for array in arrays}.values())


def _bases(arrays: list[Bytes]) -> list[int]:
    """Where each array begins, one behind another; and last, where all end."""
    return [0, *(int(n) for n in np.cumsum([len(array) for array in arrays]))]


def _streamed(operations: list[Operation], architecture: Architecture) -> Schedule:
    """Two halves of each buffer, used in turn: chunk n goes to half n mod 2."""
    half_words, half_records = architecture.weight_words // 2, architecture.parameter_records // 2
    pieces = []
    for op in operations:
        tiles = op.fields["channel_tiles"]
        per_words = len(op.weights) // tiles
        per_records = 0 if op.fields["uniform"] else len(op.parameters) // tiles
        fits = tiles
        if per_words:
            fits = min(fits, half_words // per_words)
        if per_records:
            fits = min(fits, half_records // per_records)
        if fits == 0:
            raise CompileError(
                op.step,
                f"needs {per_words} weight words and {per_records} parameter records per channel"
                f" tile, but half a buffer holds {half_words} and {half_records}",
            )
        pieces.extend(op.split(fits, architecture))
    count = len(pieces)
    acquires, credits = _acquires(count)
    fetch, data, placed = [], [], []
    for n, op in enumerate(pieces):
        word, record = (n % 2) * half_words, (n % 2) * half_records
        located = _at(op, word, record)
        located.fields.update(acquire=1, release=1)
        placed.append(located)
        if len(op.weights):
            instruction, packet = _fetch_weights(
                op.weights, architecture, acquire=acquires[n], base=word
            )
            fetch.append(instruction)
            data.append(packet)
        fetch.append(
            encode_fetch(
                opcode=FetchOpcode.PARAMETERS,
                acquire=0 if len(op.weights) else acquires[n],
                release=1,
                base=record,
                count=len(op.parameters),
            )
        )
        data.append(pack.record_beats(op.parameters, architecture.lanes))
    return Schedule(
        operations=placed,
        fetch=fetch,
        prologue_count=0,
        credits=credits,
        prologue=np.zeros((0, architecture.lanes), np.uint8),
        body=np.concatenate(data),
    )


def _acquires(count: int) -> tuple[list[int], int]:
    """Tokens each chunk's fetch takes, and those there at the start.

    Chunk n of an image overwrites what the last chunk of its parity held. With an even count that
    is always the chunk two before; with an odd one, chunk 0 follows the last chunk of the image
    before, of its own parity, and so waits for one operation more, and chunk 1 for none.
    """
    if count == 1:
        return [1], 1
    if count % 2 == 0:
        return [1] * count, 2
    return [2, 0] + [1] * (count - 2), 2


def _at(op: Operation, word: int, record: int) -> Operation:
    fields = op.fields | {"weight_base": word, "parameter_base": record}
    return Operation(step=op.step, fields=fields, weights=op.weights, parameters=op.parameters)
