"""A binary network as a chain: layers with weights, and what makes codes of their sums."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from torch import nn

from bitwright.arith import parse
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_fold import Array, Norm, Settled, step_of
from bitwright.compress.methods.binary_layers import BiReal, LowBitConv2d, LowBitLinear, Signs
from bitwright.network import Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A layer with weights, and what turns its sums into the codes of the next."""

    name: str
    layer: LowBitConv2d | LowBitLinear
    norm: Norm | None
    result: nn.Module
    """`Signs`, the `FakeQuantize` of int8 codes, or `Settled` in place of that and the norm."""


def parts(model: nn.Sequential) -> Iterator[tuple[str, nn.Module | Block]]:
    """The modules, those with weights together with what follows them."""
    modules = list(model.named_children())
    while modules:
        name, module = modules.pop(0)
        if not isinstance(module, LowBitConv2d | LowBitLinear):
            yield name, module
            continue
        norm: Norm | None = None
        if modules and isinstance(behind := modules[0][1], nn.BatchNorm1d | nn.BatchNorm2d):
            norm = behind
            del modules[0]
        if not modules or not isinstance(modules[0][1], Signs | FakeQuantize | Settled):
            raise ValueError(
                f"module {name!r}: a layer with weights is followed by Signs or by a FakeQuantize "
                "to int<N> or uint<N>, behind a batch normalisation or not"
            )
        yield name, Block(name=name, layer=module, norm=norm, result=modules.pop(0)[1])


def weights(layer: LowBitConv2d | LowBitLinear) -> tuple[Codes, Array]:
    """The weights as integers, and what one is worth per output channel."""
    fmt, weight = layer.fmt, layer.weight.detach().numpy()
    # What the layer's FakeQuantize does, which is equal to it in every bit.
    encoded = parse(fmt).encode(weight, **layer.options)
    step = np.asarray(encoded.shared.scale, np.float64).reshape(-1)
    codes = encoded.codes.astype(np.int64)
    values = 2 * codes - 1 if fmt == "binary" else codes
    return values, np.broadcast_to(step, len(weight)).copy()


def settle(model: nn.Sequential) -> nn.Sequential:
    """A copy whose codes of several bits are computed as the integers do; see `Settled`.

    Its answers are those of `lower_binary`'s network, except where float32 rounds a batch
    normalisation across a threshold, which the integers do not.
    """
    chain = nn.Sequential().eval()
    step = 1.0
    for name, part in parts(deepcopy(model).eval()):
        if isinstance(part, BiReal) and not isinstance(part.norm, Settled):
            assert isinstance(part.norm, nn.BatchNorm2d)
            part.norm = Settled(part.norm, weights(part.conv)[1], part.codes)
        if not isinstance(part, Block):
            chain.add_module(name, part)
            step = step_behind(part, step)
            continue
        chain.add_module(name, part.layer)
        norm, result = part.norm, part.result
        if isinstance(result, FakeQuantize):
            norm, result = None, Settled(norm, weights(part.layer)[1] * step, result)
        if norm is not None:
            chain.add_module(f"{name}_norm", norm)
        chain.add_module(f"{name}_result", result)
        step = result.scale if isinstance(result, Settled) else 1.0
    return chain


def step_behind(module: nn.Module, step: float) -> float:
    """What a code behind a module without weights is worth, of ``step`` before it."""
    match module:
        case FakeQuantize():
            return step_of(module)
        case Signs():
            return 1.0
        case _:
            return step
