"""The step `codebook`: weights share a few values, found by k-means and trained on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bitwright.arith import Integer
from bitwright.compress.grid import BYTE, Grid
from bitwright.compress.methods.kmeans import Numbers, Start, kmeans, nearest, start
from bitwright.compress.methods.rounding import fit_grid
from bitwright.compress.sharing import groups
from bitwright.compress.simulation import Layer, Simulated, fake_quantizer, layers
from bitwright.compress.state import State, with_parameters
from bitwright.compress.step import Context, Fact, Step, require, selected
from bitwright.compress.train import Progress, Training, train


def codebook_grid(centroids: Numbers, channels: int, clusters: int) -> Grid:
    """The grid of centroids as int8 codes under one scale; equal codes are one entry.

    >>> codebook_grid(np.array([-0.5, 0.1, 1.0]), 1, 4).levels
    array([-64,  13, 127])
    """
    scale = float(np.abs(centroids).max()) / BYTE or 1.0
    codes = np.unique(Integer(8).encode(centroids, scale=scale).codes.astype(np.int64))
    if len(codes) == 1:
        codes = np.array([codes[0], codes[0] + 1 if codes[0] < BYTE else BYTE - 1])
        codes.sort()
    return Grid(
        format=f"codebook{clusters}",
        levels=codes,
        scale=np.full(channels, scale),
        offset=np.zeros(channels, np.int64),
    )


class Shared(Simulated):
    """A network whose layers draw their weights from codebooks, which are its parameters.

    The gradient of a centroid is the sum over the weights that share it.
    """

    def __init__(
        self, state: State, books: Mapping[str, Numbers], index: Mapping[str, NDArray[np.int64]]
    ) -> None:
        standing = groups(state.graph)
        quantizers = {
            name: fake_quantizer(quantization)
            for name, quantization in state.activations.items()
            if standing[name] == name
        }
        super().__init__(state.graph, quantizers)
        self._keys = {name: f"w{number}" for number, name in enumerate(books)}
        self.books = nn.ParameterDict(
            {
                self._keys[name]: nn.Parameter(torch.tensor(book).float())
                for name, book in books.items()
            }
        )
        self.biases = nn.ParameterDict(
            {
                key: nn.Parameter(torch.from_numpy(layers(state.graph)[name].bias).float())
                for name, key in self._keys.items()
            }
        )
        self._index = {name: torch.from_numpy(own) for name, own in index.items()}

    def parameters_of(self, node: Layer) -> tuple[Tensor, Tensor]:
        """Each weight is the centroid of its index."""
        if node.name not in self._keys:
            return super().parameters_of(node)
        key = self._keys[node.name]
        return self.books[key][self._index[node.name]], self.biases[key]

    def trained(self) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
        """Centroids and biases by layer."""
        books, biases = (
            {name: part[key].detach().double().numpy() for name, key in self._keys.items()}
            for part in (self.books, self.biases)
        )
        return books, biases


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook(Step):
    """Share weights: an index of few bits each, into a codebook per layer, of int8 entries.

    Centroids are found by k-means, then trained with the indices fixed: a centroid's gradient is
    the sum of its weights'.

    Source: S. Han et al., Deep Compression, arXiv:1510.00149, section 3.
    """

    name: ClassVar[str] = "codebook"
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS, Fact.CODEBOOKS})
    forbids: ClassVar[Mapping[Fact, str]] = {Fact.GRIDS: "clusters what is rounded already"}

    bits: int = 4
    """Of an index: 2^bits centroids."""
    start: str = "linear"
    """Where k-means begins: forgy, density or linear."""
    epochs: int = 0
    """Of training the centroids."""
    learning_rate: float = 1e-3
    batch_size: int = 64
    images: int = 60000
    """Of the training split, at most."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers' names; the others keep int8 under min-max."""

    def __post_init__(self) -> None:
        require(self.bits in range(1, 8), "bits must lie in 1..7", self.bits)
        known = [str(how) for how in Start]
        require(self.start in known, f"start must be one of {', '.join(known)}", self.start)
        require(self.epochs >= 0, "epochs must not be negative", self.epochs)
        for key in ("batch_size", "images"):
            require(getattr(self, key) >= 1, f"{key} must be at least 1", getattr(self, key))
        require(self.learning_rate > 0, "learning_rate must be positive", self.learning_rate)

    def apply(self, state: State, context: Context) -> State:
        """Cluster each layer, train the centroids, round them to int8."""
        known, clusters = layers(state.graph), 1 << self.bits
        books: dict[str, Numbers] = {}
        index: dict[str, NDArray[np.int64]] = {}
        for name in selected(self.layers, known):
            weight = known[name].weight
            context.progress(f"{name}: {weight.size} weights, {clusters} centroids")
            first = start(weight, clusters, Start(self.start), context.seed)
            books[name] = kmeans(weight, first)
            index[name] = nearest(weight, books[name])
        error = {
            name: float(np.square(books[name][own] - known[name].weight).mean())
            for name, own in index.items()
        }
        state = state.with_finding("codebook", {"start": self.start, "mean squared error": error})
        if self.epochs:
            state, books = self._train(state, context, books, index)
        grids, weights = {}, {}
        for name, layer in known.items():
            if name in index:
                grids[name] = codebook_grid(books[name], len(layer.weight), clusters)
                weights[name] = grids[name].round(books[name][index[name]])
            else:
                grids[name] = fit_grid(layer.weight, "int8")
                weights[name] = grids[name].round(layer.weight)
        return state.with_weights(weights, grids)

    def _train(
        self,
        state: State,
        context: Context,
        books: dict[str, Numbers],
        index: dict[str, NDArray[np.int64]],
    ) -> tuple[State, dict[str, Numbers]]:
        model = Shared(state, books, index)
        training = Training(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=0.0,
            seed=context.seed,
        )

        def told(progress: Progress) -> None:
            context.progress(
                f"epoch {progress.epoch} of {self.epochs}, validation {progress.accuracy:.2%}"
            )

        train(model, context.limited(self.images), training, told)
        trained, biases = model.trained()
        return replace(state, graph=with_parameters(state.graph, biases=biases)), trained
