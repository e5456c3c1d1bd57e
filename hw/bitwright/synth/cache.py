"""Results by content: a folder is there complete under its digest, or not at all."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitwright.synth.tools import SynthesisError


def digest_of(*parts: object) -> str:
    """Return 16 hexadecimal digits that stand for the parts and their order."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``folder`` at the end of a block without errors.

    Two processes may work at once: the first to end wins, the other's equal result is dropped.
    After a `SynthesisError` the files stay beside, in `<folder>.failed`, and the message says so.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield working
        try:
            working.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except SynthesisError as error:
        failed = folder.with_name(f"{folder.name}.failed")
        shutil.rmtree(failed, ignore_errors=True)
        working.rename(failed)
        raise SynthesisError(f"{error}\n  scripts and whole logs: {failed}") from error
    finally:
        shutil.rmtree(working, ignore_errors=True)
