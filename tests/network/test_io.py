import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from tests.network.golden.generate import PATH as GOLDEN
from tests.network.golden.generate import golden_network
from tests.network.samples import conv2d, image, network
from tests.support.networks import networks

from bitwright.network import Network, NetworkFileError
from bitwright.network import io as network_io

Change = Callable[[dict[str, Any], dict[str, np.ndarray]], object]


def rewritten(change: Change, sign: bool = True) -> bytes:
    """The golden file with header and arrays changed, and if ``sign`` a digest that fits them."""
    data = GOLDEN.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["bitwright"])
    arrays = load_arrays(data)
    change(header, arrays)
    if sign:
        header["digest"] = network_io._digest(header["layers"], arrays)
    return bytes(save_arrays(arrays, metadata={"bitwright": json.dumps(header)}))


@settings(max_examples=25, deadline=None)
@given(networks())
def test_any_network_survives_its_bytes(net: Network) -> None:
    again = Network.from_bytes(net.to_bytes())
    assert again == net
    assert again.to_bytes() == net.to_bytes()


def test_saved_network_is_loaded_equal(tmp_path: Path) -> None:
    golden_network().save(tmp_path / "net.bw")
    assert Network.load(str(tmp_path / "net.bw")) == golden_network()


def test_loaded_layers_have_every_field_of_the_saved_ones() -> None:
    """Not through the digest, which could miss what the file misses."""
    for saved, loaded in zip(golden_network(), Network.load(GOLDEN), strict=True):
        assert repr(loaded) == repr(saved)


def test_golden_file_is_what_this_version_writes() -> None:
    """Anyone's saved networks stay readable: the format changes with its version only."""
    assert golden_network().to_bytes() == GOLDEN.read_bytes()


def test_golden_digest_is_stable() -> None:
    expected = "b49908d0353a007537b96d7258117839f1ab5a6152dcab5995c12653eed9181a"
    assert golden_network().digest == Network.load(GOLDEN).digest == expected


def test_arrays_are_readable_by_safetensors_alone() -> None:
    weight = load_arrays(GOLDEN.read_bytes())["layer1.0.conv.weight"]
    assert weight.dtype == np.int8
    assert weight.shape == (4, 1, 3, 2)


def test_saving_replaces_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.bw"
    golden_network().save(path)

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        network(conv2d()).save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.bw"]
    assert path.read_bytes() == GOLDEN.read_bytes()


def test_layer_names_may_have_dots_and_field_names() -> None:
    net = Network(
        (
            image(name="a.weight"),
            conv2d(name="a", inputs=("a.weight",)),
            conv2d(name="a.requantization", inputs=("a",), weight=np.ones((4, 4, 3, 3), int)),
        )
    )
    assert Network.from_bytes(net.to_bytes()) == net


def header_only(header: str) -> bytes:
    return bytes(save_arrays({}, metadata={"bitwright": header}))


WRONG_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a .bw file: no safetensors file with our header"),
    "text": (b"hello, world\n", "not a .bw file: no safetensors file with our header"),
    "zip": (b"PK\3\4" + bytes(40), "not a .bw file: no safetensors file with our header"),
    "other safetensors": (
        bytes(save_arrays({"w": np.ones(3)})),
        "not a .bw file: no safetensors file with our header",
    ),
    "other metadata": (
        bytes(save_arrays({"w": np.ones(3)}, metadata={"format": "pt"})),
        "not a .bw file: no safetensors file with our header",
    ),
    "header no object": (
        header_only("[1]"),
        "not a .bw file: no safetensors file with our header",
    ),
    "program": (
        header_only('{"format": "bitwright.program", "version": 1}'),
        "not a network: format must be 'bitwright.network', found 'bitwright.program'",
    ),
    "newer": (
        rewritten(lambda header, arrays: header.update(version=3)),
        "version 3 is newer than this bitwright reads (2); update bitwright",
    ),
    "version zero": (
        rewritten(lambda header, arrays: header.update(version=0)),
        "version must be a positive int, found 0",
    ),
    "no digest": (
        rewritten(lambda header, arrays: header.pop("digest"), sign=False),
        "header must have a list 'layers' and a string 'digest'",
    ),
    "cut short": (
        GOLDEN.read_bytes()[:-1],
        (
            "damaged or cut short: Error while deserializing: incomplete metadata, "
            "file not fully covered"
        ),
    ),
    "flipped bit": (
        GOLDEN.read_bytes()[:-1] + bytes([GOLDEN.read_bytes()[-1] ^ 1]),
        "damaged: its content does not give the digest it carries",
    ),
    "changed layer": (
        rewritten(lambda header, arrays: header["layers"][6].update(low=-31), sign=False),
        "damaged: its content does not give the digest it carries",
    ),
    "lost array": (
        rewritten(lambda header, arrays: arrays.pop("scores.bias")),
        (
            "layer 'scores' is malformed: Linear.__init__() missing 1 required keyword-only "
            "argument: 'bias'"
        ),
    ),
    "foreign array": (
        rewritten(lambda header, arrays: arrays.update(other=np.ones(2))),
        "array 'other' belongs to no layer",
    ),
    "array of floats": (
        rewritten(lambda header, arrays: arrays.update({"scores.bias": np.ones(3)})),
        "layer 'scores' is malformed: bias must be stored as int32, found float64",
    ),
    "unknown kind": (
        rewritten(lambda header, arrays: header["layers"][8].update(kind="Softmax")),
        (
            "layer kind must be one of Input, Conv2d, Linear, BinaryConv2d, BinaryLinear, Add, "
            "MaxPool2d, AvgPool2d, Requantize, Concat, Flatten, found 'Softmax'"
        ),
    ),
    "kind no string": (
        rewritten(lambda header, arrays: header["layers"][8].update(kind=[])),
        (
            "layer kind must be one of Input, Conv2d, Linear, BinaryConv2d, BinaryLinear, Add, "
            "MaxPool2d, AvgPool2d, Requantize, Concat, Flatten, found []"
        ),
    ),
    "unknown field": (
        rewritten(lambda header, arrays: header["layers"][8].update(axis=1)),
        "layer 'flat' is malformed: Flatten.__init__() got an unexpected keyword argument 'axis'",
    ),
    "unknown rounding": (
        rewritten(
            lambda header, arrays: header["layers"][3]["requantization"].update(rounding="up")
        ),
        "layer 'again' is malformed: 'up' is not a valid Rounding",
    ),
    "broken rule": (
        rewritten(lambda header, arrays: header["layers"][8].update(shape=[25])),
        "layer 'flat': shape must be (24,), which its inputs and parameters give, found (25,)",
    ),
}


@pytest.mark.parametrize(("data", "message"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
def test_wrong_file_is_refused_by_name(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.bw"
    path.write_bytes(data)
    with pytest.raises(NetworkFileError) as error:
        Network.load(path)
    assert str(error.value) == f"{path}: {message}"


def test_every_cut_and_every_flipped_bit_is_refused() -> None:
    """No damage loads: each shorter prefix, and each byte changed."""
    data = GOLDEN.read_bytes()
    damaged = [data[:size] for size in range(0, len(data), 7)]
    damaged += [
        data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] for at in range(len(data))
    ]
    loaded = 0
    for content in damaged:
        try:
            loaded += Network.from_bytes(content) != golden_network()
        except NetworkFileError:
            continue
    assert loaded == 0


def test_bytes_are_named_in_errors() -> None:
    with pytest.raises(NetworkFileError, match=r"^program\.bwp: not a \.bw file"):
        Network.from_bytes(b"", source="program.bwp")


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.bw"):
        Network.load(tmp_path / "none.bw")
