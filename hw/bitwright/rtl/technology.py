"""The technologies a design can be elaborated for.

A component whose arithmetic has a hand-made mapping looks at the platform it is elaborated for. For
any but those named here it is written with the operators of Verilog, which every tool understands;
both have the same ports and the same timing, and tests show them equal.
"""


class Portable:
    """The platform of any tool and device."""


class Ecp5:
    """The platform for which `bitwright.rtl.ecp5` instantiates MULT18X18D and CCU2C."""


TECHNOLOGIES = {"portable": Portable, "ecp5": Ecp5}
"""Every technology by name, with the class of its platform."""
