"""Facts of formats: computed once, and constants of an exported program."""

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar, cast

import torch

Arguments = ParamSpec("Arguments")
Fact = TypeVar("Fact")


def constant(compute: Callable[Arguments, Fact]) -> Callable[Arguments, Fact]:
    """Decorate a function of hashable arguments that does not look at tensors.

    torch.export does not trace into it, and so need not understand the numpy inside.
    """
    cached = cache(compute)

    @wraps(compute)
    def lookup(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Fact:
        return cached(*args, **kwargs)  # type: ignore[arg-type]

    marked = torch.compiler.assume_constant_result(lookup)  # type: ignore[no-untyped-call]
    return cast("Callable[Arguments, Fact]", marked)
