"""Write the golden `.bw` file: `python tests/network/golden/generate.py`.

It freezes the file format, not the arithmetic: one layer of each kind, every field off its default
where it has one. Rewrite it only when the format's version changes, and keep the old file as well.
"""

from pathlib import Path

import numpy as np

from bitwright.arith import Rounding
from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Requantization,
    Requantize,
)

PATH = Path(__file__).with_name("every_layer_v1.bw")


def golden_network() -> Network:
    """One layer of each kind, from arithmetic progressions: no random generator to depend on."""
    q = Quantization(scale=0.125, zero_point=-3, bits=6)
    half = Requantization(multiplier=np.array([1]), shift=np.array([1]), low=-32, high=31)
    conv = Requantization(
        multiplier=np.array([40000, 50001, 60002, 2147483647]),
        shift=np.array([20, 21, 22, 40]),
        low=-3,
        high=30,
        rounding=Rounding.HALF_EVEN,
    )
    return Network(
        (
            Input(name="image", inputs=(), shape=(2, 4, 5), output=q),
            Conv2d(
                name="layer1.0.conv",
                inputs=("image",),
                shape=(4, 2, 5),
                output=q,
                weight=np.arange(4 * 3 * 2).reshape(4, 1, 3, 2) - 8,
                bias=np.array([1, -2, 300, -4000]),
                stride=(2, 1),
                padding=(1, 0, 2, 1),
                dilation=(2, 1),
                groups=2,
                requantization=conv,
                weight_bits=5,
            ),
            Conv2d(
                name="layer1.1.conv",
                inputs=("layer1.0.conv", "layer1.0.conv"),
                shape=(4, 2, 5),
                output=q,
                weight=np.arange(16).reshape(4, 4, 1, 1) - 8,
                bias=np.array([0, 5, -5, 70000]),
                requantization=conv,
                residual_multiplier=np.array([0, 1, 2, 2147483647]),
            ),
            Requantize(
                name="again",
                inputs=("layer1.1.conv",),
                shape=(4, 2, 5),
                output=q,
                requantization=half,
            ),
            Add(
                name="add",
                inputs=("again", "layer1.0.conv"),
                shape=(4, 2, 5),
                output=q,
                requantization=half,
                multiplier_b=3,
            ),
            Concat(name="both", inputs=("add", "again"), shape=(8, 2, 5), output=q),
            MaxPool2d(
                name="max",
                inputs=("both",),
                shape=(8, 2, 3),
                output=q,
                kernel=(2, 2),
                stride=(1, 2),
                padding=(0, 1, 1, 0),
                low=-30,
                high=29,
            ),
            AvgPool2d(
                name="mean",
                inputs=("max",),
                shape=(8, 1, 3),
                output=q,
                kernel=(2, 1),
                stride=(2, 1),
                requantization=half,
            ),
            Flatten(name="flat", inputs=("mean",), shape=(24,), output=q),
            Linear(
                name="scores",
                inputs=("flat",),
                shape=(3,),
                output=Quantization(scale=1.0),
                weight=np.arange(72).reshape(3, 24) - 36,
                bias=np.array([-7, 0, 7]),
                requantization=Requantization(
                    multiplier=np.array([1, 2, 3]),
                    shift=np.array([4, 5, 6]),
                    low=-128,
                    high=127,
                    rounding=Rounding.TRUNC,
                ),
            ),
        )
    )


if __name__ == "__main__":
    golden_network().save(PATH)
    print(PATH.name, golden_network().digest)
