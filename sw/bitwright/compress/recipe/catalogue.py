"""The steps by name; a new one is added here."""

from bitwright.compress.methods.activations import Calibrate
from bitwright.compress.methods.rounding import Quantize
from bitwright.compress.recipe.step import Step

STEPS: dict[str, type[Step]] = {
    kind.name: kind
    for kind in (
        Calibrate,
        Quantize,
    )
}
