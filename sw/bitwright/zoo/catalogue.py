"""The zoo's networks by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from bitwright.compress import LeNet5
from bitwright.zoo.autoencoder import Autoencoder
from bitwright.zoo.ds_cnn import DsCnn
from bitwright.zoo.mobilenet_v1 import MobileNetV1
from bitwright.zoo.resnet8 import ResNet8
from bitwright.zoo.resnet18 import ResNet18
from bitwright.zoo.super_resolution import SuperResolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A network of the zoo."""

    name: str
    make: Callable[[], nn.Module]
    """The module with fresh random weights."""
    shape: tuple[int, ...]
    """Of one input, without the batch."""
    source: str
    """Where its layers are laid down."""


ZOO = {
    entry.name: entry
    for entry in (
        Entry(
            name="lenet5",
            make=LeNet5,
            shape=(1, 28, 28),
            source="LeCun et al. 1998, with ReLU and max pooling",
        ),
        Entry(
            name="resnet8",
            make=ResNet8,
            shape=(3, 32, 32),
            source="MLPerf Tiny, image classification on CIFAR-10",
        ),
        Entry(
            name="ds-cnn",
            make=DsCnn,
            shape=(1, 49, 10),
            source="MLPerf Tiny, keyword spotting",
        ),
        Entry(
            name="mobilenet-v1",
            make=MobileNetV1,
            shape=(3, 96, 96),
            source="MLPerf Tiny, visual wake words, width 0.25",
        ),
        Entry(
            name="autoencoder",
            make=Autoencoder,
            shape=(640,),
            source="MLPerf Tiny, anomaly detection",
        ),
        Entry(
            name="super-resolution",
            make=SuperResolution,
            shape=(3, 64, 64),
            source="VDSR (Kim et al. 2016) with 16 channels and 6 layers, on the enlarged image",
        ),
        Entry(
            name="resnet18",
            make=ResNet18,
            shape=(3, 224, 224),
            source="He et al. 2015, ImageNet",
        ),
    )
}


def find(name: str) -> Entry:
    """The entry of that name; an error lists those there are."""
    if name not in ZOO:
        raise ValueError(f"the zoo has no network {name!r}; it has {', '.join(ZOO)}")
    return ZOO[name]
