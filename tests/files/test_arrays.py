from pathlib import Path

import numpy as np
import pytest

from bitwright.files import read_npy


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint64"])
def test_real_numbers_are_read(dtype: str, tmp_path: Path) -> None:
    x = np.arange(6).reshape(2, 3).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    assert read_npy(tmp_path / "x.npy").dtype == x.dtype
    assert np.array_equal(read_npy(tmp_path / "x.npy"), x)


class Loud:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


def test_objects_are_refused_and_never_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([Loud()], dtype=object), allow_pickle=True)
    with pytest.raises(
        ValueError, match=r"x\.npy cannot be read as an array: Object arrays cannot"
    ):
        read_npy(Path("x.npy"))
    assert not Path("executed").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x80\x04K\x01."])
def test_what_is_no_npy_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npy is not a .npy file; np.save writes one"):
        read_npy(path)


@pytest.mark.parametrize("size", [7, 60, 500])
def test_a_file_cut_short_is_named(size: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(100))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"x\.npy cannot be read as an array"):
        read_npy(path)


@pytest.mark.parametrize("x", [np.array([1j]), np.array([True]), np.array(["a"])], ids=str)
def test_what_is_no_real_number_is_named(x: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(ValueError, match=r"x\.npy holds .*; real numbers are needed"):
        read_npy(tmp_path / "x.npy")
