"""Opening a ``.pt2`` file: no code of the file runs, and what is wrong is said in a sentence."""

import logging
import os
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive import PT2ArchiveReader

from bitwright.importers.report import ProgramError

_REMEDY = "save one with torch.export.save(torch.export.export(model.eval(), (example,)), path)"
_OBJECTS = ("data/constants/opaque_obj_", "data/constants/custom_obj_")
_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


def load_program(path: str | Path) -> ExportedProgram:
    """The program in a ``.pt2`` file that `torch.export.save` wrote.

    Raises `ProgramError` that names the file where it is missing, damaged, of another kind, or
    holds Python objects, which would run code when read.
    """
    path = Path(path)
    if not path.is_file():
        raise ProgramError(f"{path}: there is no such file; {_REMEDY}")
    with quiet_torch():
        _refuse_objects(path)
        try:
            return torch.export.load(path)
        # torch raises about everything here, KeyError and UnicodeDecodeError included.
        except Exception as error:
            raise ProgramError(
                f"{path}: not a readable torch.export program ({first_line(error)}); {_REMEDY}"
            ) from error


def _refuse_objects(path: Path) -> None:
    try:
        with PT2ArchiveReader(str(path)) as archive:
            names = archive.get_file_names()
    except Exception as error:
        raise ProgramError(
            f"{path}: not a torch.export program ({first_line(error)}); {_REMEDY}"
        ) from error
    for name in names:
        if name.startswith(_OBJECTS):
            raise ProgramError(f"{path}: holds the pickled object {name}, which is never loaded")


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Without torch's log and warnings, which no user of ours can act on; tensors only, no code."""
    log = logging.getLogger("torch.export")
    level, forced = log.level, os.environ.get(_FORCE)
    log.setLevel(logging.CRITICAL + 1)
    # torch.export.load falls back to unpickling anything; this variable alone forbids it.
    os.environ[_FORCE] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
        if forced is None:
            del os.environ[_FORCE]
        else:
            os.environ[_FORCE] = forced


def first_line(error: Exception) -> str:
    """Type and first line of an error from below, as much of it as 160 letters hold."""
    kind, lines = type(error).__name__, str(error).strip().splitlines()
    return f"{kind}: {textwrap.shorten(lines[0], 160, placeholder=' ...')}" if lines else kind
