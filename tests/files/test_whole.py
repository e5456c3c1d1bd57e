"""A file or link is there whole, or what was there before is."""

from pathlib import Path

import pytest

from bitwright.files import link_whole, write_whole


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", ["½\n", b"\x00\xff"], ids=["text", "bytes"])
def test_content_is_written_as_it_is(content: str | bytes, tmp_path: Path) -> None:
    write_whole(tmp_path / "thing", content)
    expected = content.encode() if isinstance(content, str) else content
    assert (tmp_path / "thing").read_bytes() == expected


def test_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "thing"
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "nowhere/thing", tmp_path / "folder"):
        with pytest.raises(OSError, match=target.name) as caught:
            write_whole(target, b"new")
        assert caught.value.filename == str(target)
        assert caught.value.filename2 is None
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_link_is_relative_and_follows_the_newest(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        link_whole(tmp_path / "runs/latest", tmp_path / "runs" / name)
    assert (tmp_path / "runs/latest").readlink() == Path("second")
    assert (tmp_path / "runs/latest").resolve() == (tmp_path / "runs/second").resolve()


def test_link_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(FileExistsError, match="is not a link"):
        link_whole(tmp_path / "latest", tmp_path)
    assert (tmp_path / "latest").is_dir()
