"""A recipe: an ordered list of steps, checked before anything runs."""

from dataclasses import dataclass

from bitwright.compress.recipe.catalogue import STEPS
from bitwright.compress.step import Fact, Step
from bitwright.importers.graph import FloatGraph


class RecipeError(ValueError):
    """A recipe that cannot be run; the text names the step, what is wrong and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps in order; construction checks that the order makes sense.

    >>> from bitwright.compress.recipe import Calibrate, Quantize
    >>> Recipe(steps=(Calibrate(method="mse"), Quantize(format="int4"))).name
    'recipe'
    """

    steps: tuple[Step, ...]
    name: str = "recipe"
    """What messages call it: the file's name."""
    seed: int = 0
    """Of every random choice."""
    test_images: int | None = None
    """Images of the test split that accuracies are of; None is all."""

    def __post_init__(self) -> None:
        if not self.steps:
            raise RecipeError(f"{self.name}: has no steps; add [[step]] tables")
        known: dict[Fact, str] = {}
        for number, step in enumerate(self.steps, 1):
            if Fact.INTEGERS in known:
                raise RecipeError(
                    f"{self.where(number)}: {known[Fact.INTEGERS]} gives {Fact.INTEGERS}, which no "
                    "step changes; leave one of them out"
                )
            for fact in sorted(step.needed() - known.keys()):
                raise RecipeError(
                    f"{self.where(number)}: needs {fact}, and no step before it gives them; "
                    f"put {_givers(fact)} before it"
                )
            for fact, why in step.forbids.items():
                if fact in known:
                    raise RecipeError(
                        f"{self.where(number)}: {why}; put it before {known[fact]}, "
                        "or leave one of them out"
                    )
            known |= dict.fromkeys(step.gives, f"step {number} '{step.name}'")
        if Fact.RANGES not in known:
            raise RecipeError(
                f"{self.name}: no step gives {Fact.RANGES}, without which there are no integers; "
                "add 'calibrate', with 8 bits where weights alone are to shrink"
            )

    def where(self, number: int) -> str:
        """How messages name a step, counted from 1."""
        return f"{self.name}: step {number} '{self.steps[number - 1].name}'"

    def check(self, graph: FloatGraph) -> None:
        """Raise `RecipeError` for layers that the network does not have."""
        for number, step in enumerate(self.steps, 1):
            try:
                step.check(graph)
            except ValueError as error:
                raise RecipeError(f"{self.where(number)}: {error}") from error


def _givers(fact: Fact) -> str:
    return " or ".join(f"'{name}'" for name, kind in STEPS.items() if fact in kind.gives)
