"""A small accelerator whose model builds in seconds."""

from bitwright.isa import Architecture
from bitwright.isa.architecture import ROUNDINGS

SMALL = Architecture(
    name="small",
    rows=4,
    columns=4,
    roundings=ROUNDINGS,
    activation_words=2048,
    weight_words=4096,
    parameter_records=128,
)
