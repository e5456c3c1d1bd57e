"""Test images to show, with what the machine answered: some it got right, all it got wrong."""

import base64
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.files import write_whole

RIGHT_PER_LABEL = 2
MOST_WRONG = 60
"""A broken machine may be wrong everywhere."""
FILE = "examples.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Images of a test set."""

    index: NDArray[np.int64]
    """(N,): places in the test set."""
    pixels: NDArray[np.uint8]
    """(N, C, H, W), 0 .. 255."""
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write `FILE` into the folder."""
        out = BytesIO()
        arrays = {name: getattr(self, name) for name in self.__slots__}
        np.savez_compressed(out, **arrays)
        write_whole(folder / FILE, out.getvalue())

    @classmethod
    def load(cls, folder: Path) -> "Examples":
        """The inverse of `save`."""
        with np.load(folder / FILE, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__slots__})


def choose_examples(
    pixels: NDArray[np.uint8],
    full_scale: int,
    labels: NDArray[np.integer[Any]],
    answers: NDArray[np.integer[Any]],
) -> Examples:
    """The wrong answers (at most `MOST_WRONG`), and the first right ones of each label.

    There may be fewer answers than images: the rest was not run.
    """
    labels = labels[: len(answers)]
    wrong = np.flatnonzero(answers != labels)[:MOST_WRONG]
    right = [
        np.flatnonzero((answers == labels) & (labels == label))[:RIGHT_PER_LABEL]
        for label in np.unique(labels)
    ]
    index = np.concatenate([wrong, *right]).astype(np.int64)
    scaled = pixels[index].astype(np.float64) * (255 / full_scale)
    return Examples(
        index=index,
        pixels=np.rint(scaled).astype(np.uint8),
        labels=labels[index].astype(np.int64),
        answers=answers[index].astype(np.int64),
    )


def png(pixels: NDArray[np.uint8]) -> str:
    """The data address of an image (C, H, W): grey of one channel, colours of three.

    >>> png(np.zeros((1, 1, 1), np.uint8))[:22]
    'data:image/png;base64,'
    """
    if pixels.shape[0] not in (1, 3):
        pixels = pixels[:1]
    channels, height, width = pixels.shape
    rows = np.ascontiguousarray(pixels.transpose(1, 2, 0)).reshape(height, -1)
    data = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # filter 0 each row
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(data.tobytes(), 9)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)
    return "data:image/png;base64," + base64.b64encode(file).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
