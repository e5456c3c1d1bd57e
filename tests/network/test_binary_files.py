"""Files of binary networks: weights take a bit each, and what is malformed is told."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from bitwright.network import (
    BinaryLinear,
    Flatten,
    Input,
    Network,
    NetworkFileError,
    Quantization,
    Threshold,
)
from bitwright.network import io as network_io

BITS = Quantization(scale=1.0, bits=1)
INPUTS, OUTPUTS = 25, 64
"""25 x 64 weights leave no tail; 25 x 3 leave five bits."""


def net(outputs: int = OUTPUTS) -> Network:
    weight = np.random.default_rng(7).integers(0, 2, (outputs, INPUTS))
    return Network(
        (
            Input(name="x", inputs=(), shape=(1, 5, 5), output=BITS),
            Flatten(name="flat", inputs=("x",), shape=(25,), output=BITS),
            BinaryLinear(
                name="fc",
                inputs=("flat",),
                shape=(outputs,),
                output=BITS,
                weight=weight,
                bias=np.zeros(outputs, np.int64),
                requantization=Threshold(
                    value=np.arange(outputs), direction=np.ones(outputs, np.int64)
                ),
            ),
        )
    )


def changed(change: Callable[[dict[str, Any], dict[str, np.ndarray]], object]) -> bytes:
    """The file of three outputs with its header and arrays changed, under a digest that fits."""
    data = net(3).to_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["bitwright"])
    arrays = dict(load_arrays(data))
    change(header["layers"][-1], arrays)
    header["digest"] = network_io._digest(header["layers"], arrays)
    return bytes(save_arrays(arrays, metadata={"bitwright": json.dumps(header)}))


@pytest.mark.parametrize("outputs", [OUTPUTS, 3])
def test_weights_of_bits_survive_the_file(outputs: int) -> None:
    again = Network.from_bytes(net(outputs).to_bytes())
    assert np.array_equal(again["fc"].weight, net(outputs)["fc"].weight)
    assert again == net(outputs)


def test_weights_take_a_bit_each() -> None:
    stored = load_arrays(net().to_bytes())["fc.weight"]
    assert stored.nbytes == INPUTS * OUTPUTS // 8
    assert np.array_equal(np.unpackbits(stored, bitorder="little"), net()["fc"].weight.reshape(-1))


def ones_after_the_end(layer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    arrays["fc.weight"] = arrays["fc.weight"] | np.eye(1, 10, 9, dtype=np.uint8)[0] * 128


MALFORMED = {
    "tail": (ones_after_the_end, "the bits after 75 codes of 1 bits must be zero"),
    "short": (
        lambda layer, arrays: arrays.update({"fc.weight": arrays["fc.weight"][:-1].copy()}),
        "75 codes of 1 bits are 10 bytes",
    ),
    "type": (
        lambda layer, arrays: arrays.update({"fc.weight": arrays["fc.weight"].astype(np.int16)}),
        "weight of bits must be stored as uint8, found int16",
    ),
    "no shape": (lambda layer, arrays: layer.pop("weight_shape"), "weight_shape"),
    "no array": (lambda layer, arrays: arrays.pop("fc.weight"), "fc.weight"),
    "other shape": (
        lambda layer, arrays: layer.update(weight_shape=[5, 15]),
        r"bias must be an integer array of shape \(5,\)",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_weights_of_bits(case: str) -> None:
    change, message = MALFORMED[case]
    with pytest.raises(NetworkFileError, match=message):
        Network.from_bytes(changed(change))
