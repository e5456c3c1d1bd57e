"""Made under a temporary name beside the target and renamed: a reader never sees half a file."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, or leave what was there; text as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with _beside(path) as temporary:
        temporary.write_bytes(data)


def link_whole(link: Path, target: Path) -> None:
    """Make ``link`` a symbolic link to ``target``, by a path relative to the link's folder.

    A link that is there is replaced; anything else there is an error, for it may be somebody's.
    """
    if link.exists() and not link.is_symlink():
        raise FileExistsError(17, "is there and is not a link; move it away", str(link))
    link.parent.mkdir(parents=True, exist_ok=True)
    with _beside(link) as temporary:
        temporary.symlink_to(os.path.relpath(target, link.parent))


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary name that takes the place of ``path``; errors are of ``path``."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename, error.filename2 = str(path), None  # the name the caller knows
        raise
    finally:
        temporary.unlink(missing_ok=True)
