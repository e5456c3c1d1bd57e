"""Files that are no programs end in one sentence, never in a traceback, and run no code."""

import io
import json
import os
import pickle
import zipfile

import pytest
import torch
from torch import nn

from bitwright.importers import ProgramError, check, import_program, load_program


@pytest.fixture(scope="module")
def program_bytes():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).eval()
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(module, (torch.zeros(2, 1, 8, 8),)), buffer)
    return buffer.getvalue()


def write(folder, content):
    path = folder / "model.pt2"
    path.write_bytes(content)
    return path


def with_members(content, change):
    """The archive with ``change(name, data)`` for each member; None leaves it out."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target,
    ):
        for name in source.namelist():
            data = change(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
    return buffer.getvalue()


def test_saved_program_loads(tmp_path, program_bytes):
    path = write(tmp_path, program_bytes)
    assert [node.name for node in import_program(path).nodes] == ["input", "0"]
    assert [report.name for report in check(str(path))] == ["0", "1"]


def saved_state():
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(3)}, buffer)
    return buffer.getvalue()


def plain_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme", "text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no program", saved_state(), plain_zip()],
    ids=["empty", "text", "state dict", "zip"],
)
def test_other_file_is_named_with_the_remedy(tmp_path, content, capfd):
    path = write(tmp_path, content)
    with pytest.raises(ProgramError, match=r"save one with torch\.export\.save") as caught:
        load_program(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_file_that_is_cut_short(tmp_path, program_bytes, part):
    path = write(tmp_path, program_bytes[: int(part * len(program_bytes))])
    with pytest.raises(ProgramError, match=r"not a torch\.export program"):
        load_program(path)


@pytest.mark.parametrize("member", ["models/model.json", "weights_config.json", "weight_0"])
def test_archive_without_a_member(tmp_path, program_bytes, member):
    content = with_members(program_bytes, lambda n, d: None if n.endswith(member) else d)
    with pytest.raises(ProgramError, match=str(tmp_path)):
        load_program(write(tmp_path, content))


def test_archive_with_a_damaged_graph(tmp_path, program_bytes):
    def change(name, data):
        return data.replace(b"aten.conv2d.default", b"aten.conv9d.default")

    with pytest.raises(ProgramError, match=str(tmp_path)):
        load_program(write(tmp_path, with_members(program_bytes, change)))


def test_missing_file(tmp_path):
    with pytest.raises(ProgramError, match=r"nowhere\.pt2: there is no such file"):
        load_program(tmp_path / "nowhere.pt2")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(ProgramError, match="there is no such file"):
        load_program(tmp_path)


class Hostile:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_the_sample_inputs_does_not_run(tmp_path, program_bytes):
    buffer = io.BytesIO()
    torch.save((Hostile(tmp_path / "ran"),), buffer)

    def change(name, data):
        return buffer.getvalue() if "/sample_inputs/" in name else data

    with pytest.raises(ProgramError):
        load_program(write(tmp_path, with_members(program_bytes, change)))
    assert not (tmp_path / "ran").exists()


def test_pickled_constant_is_refused(tmp_path, program_bytes):
    root = zipfile.ZipFile(io.BytesIO(program_bytes)).namelist()[0].split("/")[0]
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}

    def change(name, data):
        if not name.endswith("constants_config.json"):
            return data
        return json.dumps({"config": {"c": {**entry, "tensor_meta": None}}}).encode()

    content = io.BytesIO(with_members(program_bytes, change))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        data = pickle.dumps(Hostile(tmp_path / "ran"))
        archive.writestr(f"{root}/data/constants/opaque_obj_0", data)
    with pytest.raises(ProgramError, match=r"opaque_obj_0, which is never loaded"):
        load_program(write(tmp_path, content.getvalue()))
    assert not (tmp_path / "ran").exists()


def test_environment_is_as_before(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")
    with pytest.raises(ProgramError):
        load_program(write(tmp_path, b""))
    assert os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "0"
