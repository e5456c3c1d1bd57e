"""What the quantization benchmark compares: per experiment one network, one budget, one control."""

from collections.abc import Mapping
from dataclasses import dataclass

from bitwright.compress.recipe import (
    AdaRound,
    BiasCorrection,
    Calibrate,
    Codebook,
    Equalize,
    Gptq,
    Huffman,
    Mixed,
    Qat,
    Quantize,
    Step,
    WeightCorrection,
)

Steps = tuple[Step, ...]
RANGES = ("minmax", "percentile", "mse", "kl", "js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Recipes on the same budget; the first is the control."""

    name: str
    network: str
    """resnet or separable (DigitsResNet, DigitsSeparable; digits), lenet or tfc (MNIST)."""
    budget: str
    recipes: Mapping[str, Steps]


def activations(network: str, bits: int, symmetric: bool) -> Experiment:
    """Ranges of the activations."""
    kind = "symmetric" if symmetric else "asymmetric"
    return Experiment(
        name=f"activations-{network}-{kind}",
        network=network,
        budget=f"{kind} activations of {bits} bits, weights int8",
        recipes={
            method: (
                Calibrate(method=method, bits=bits, symmetric=symmetric, percentile=99.9),
                Quantize(),
            )
            for method in RANGES
        },
    )


def weights(network: str, fmt: str) -> Experiment:
    """Ranges of the weights."""
    return Experiment(
        name=f"weights-{network}",
        network=network,
        budget=f"{fmt} weights, one scale per tensor, activations of 8 bits",
        recipes={
            method: (Calibrate(), Quantize(format=fmt, granularity="tensor", range=method))
            for method in RANGES
        },
    )


def rounding(network: str, fmt: str, granularity: str) -> Experiment:
    """Everything that improves on rounding to the nearest."""
    plain = Quantize(format=fmt, granularity=granularity)
    start: Steps = (Calibrate(), plain)
    return Experiment(
        name=f"rounding-{network}-{granularity}",
        network=network,
        budget=f"{fmt} weights under min-max, a scale per {granularity}, activations of 8 bits",
        recipes={
            "nearest": start,
            "equalize": (Equalize(), *start),
            "bias correction": (*start, BiasCorrection()),
            "equalize, bias": (Equalize(), *start, BiasCorrection()),
            "weight correction": (*start, WeightCorrection()),
            "weight, bias": (*start, WeightCorrection(), BiasCorrection()),
            "gptq": (*start, Gptq()),
            "adaround": (*start, AdaRound(iterations=500)),
        },
    )


def scales(network: str, bits: int, epochs: int) -> Experiment:
    """Where the scales come from in training."""
    start: Steps = (
        Calibrate(method="mse", bits=bits),
        Quantize(format=f"int{bits}", range="mse"),
    )
    return Experiment(
        name=f"scales-{network}",
        network=network,
        budget=f"W{bits}A{bits}, {epochs} epochs",
        recipes={
            kind: (*start, Qat(scales=kind, epochs=epochs, learning_rate=3e-3))
            for kind in ("fixed", "observed", "learned")
        },
    )


def training(epochs: int) -> Experiment:
    """Folding and progressive bits, on equal epochs."""
    start: Steps = (Calibrate(method="mse", bits=4), Quantize(format="int2", range="mse"))
    common = {"learning_rate": 3e-3}
    return Experiment(
        name="training-resnet",
        network="resnet",
        budget=f"W2A4, {epochs} epochs in all",
        recipes={
            "direct": (*start, Qat(epochs=epochs, **common)),
            "progressive": (
                *start,
                Qat(formats=("int4", "int3", "int2"), epochs=epochs // 3, **common),
            ),
            "folded norm": (*start, Qat(epochs=epochs, batch_norm=("*",), **common)),
        },
    )


def formats(network: str, epochs: int) -> Experiment:
    """Weights of one and two bits and powers of two, trained."""
    low = ("binary", "ternary")
    return Experiment(
        name=f"formats-{network}",
        network=network,
        budget=f"weights of 1 to 4 bits, activations of 8 bits, {epochs} epochs",
        recipes={
            fmt: (
                Calibrate(),
                Quantize(format=fmt, range="minmax" if fmt in low else "mse"),
                Qat(epochs=epochs, learning_rate=1e-2),
            )
            for fmt in (*low, "int2", "pow3", "int4", "e2m1", "pow4")
        },
    )


def codebooks(network: str, bits: int, epochs: int) -> Experiment:
    """Where k-means begins, and training the centroids."""
    found: dict[str, Steps] = {}
    for start in ("forgy", "density", "linear"):
        found[start] = (Calibrate(), Codebook(bits=bits, start=start), Huffman())
    for start in ("forgy", "density", "linear"):
        found[f"{start}, trained"] = (
            Calibrate(),
            Codebook(bits=bits, start=start, epochs=epochs, images=6400),
            Huffman(),
        )
    return Experiment(
        name=f"codebooks-{network}",
        network=network,
        budget=f"codebooks of {1 << bits}, activations of 8 bits, {epochs} epochs where trained",
        recipes=found,
    )


def mixed(network: str, budget: int) -> Experiment:
    """One format for all layers against a plan."""
    fmt = f"int{budget}"
    return Experiment(
        name=f"mixed-{network}",
        network=network,
        budget=f"{budget} bits a weight on average, activations of 8 bits",
        recipes={
            f"{fmt} for all": (Calibrate(), Quantize(format=fmt, range="mse")),
            "mixed": (
                Calibrate(),
                Mixed(budget=float(budget)),
                Quantize(format="planned", range="mse"),
            ),
        },
    )


EXPERIMENTS = (
    activations("resnet", 4, False),
    activations("lenet", 4, False),
    activations("resnet", 4, True),
    activations("lenet", 4, True),
    weights("resnet", "int4"),
    weights("lenet", "int4"),
    rounding("resnet", "int4", "tensor"),
    rounding("resnet", "int3", "channel"),
    rounding("separable", "int4", "tensor"),
    rounding("lenet", "int3", "tensor"),
    scales("resnet", 2, 9),
    scales("tfc", 2, 2),
    training(9),
    formats("resnet", 9),
    codebooks("resnet", 2, 4),
    codebooks("lenet", 2, 1),
    mixed("resnet", 3),
    Experiment(
        name="bars-lenet",
        network="lenet",
        budget="W4A8; W2A2",
        recipes={
            "W4A8, nearest": (Calibrate(), Quantize(format="int4")),
            "W4A8, adaround": (Calibrate(), Quantize(format="int4", range="mse"), AdaRound()),
            "W4A8, trained": (
                Calibrate(),
                Quantize(format="int4", range="mse"),
                Qat(epochs=1, images=25600),
            ),
            "W2A2, trained": (
                Calibrate(method="mse", bits=2),
                Quantize(format="int2", range="mse"),
                Qat(epochs=2, learning_rate=3e-3, images=25600),
            ),
        },
    ),
    Experiment(
        name="bars-tfc",
        network="tfc",
        budget="2-bit weights and activations, the image's too",
        recipes={
            "W2A2, nearest": (
                Calibrate(bits=2, edge_bits=2, method="mse", tensor_bits={"classifier": 8}),
                Quantize(format="int2", range="mse"),
            ),
            "W2A2, trained": (
                Calibrate(bits=2, edge_bits=2, method="mse", tensor_bits={"classifier": 8}),
                Quantize(format="int2", range="mse"),
                Qat(epochs=6, learning_rate=3e-3),
            ),
        },
    ),
)
