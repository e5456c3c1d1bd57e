"""The FPGAs the flow knows: what each has, and what the tools must be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


class UnknownDeviceError(ValueError):
    """A device that is not in the table; the message lists those that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Counts of the four things an FPGA runs out of: used by a netlist, or there in a device."""

    luts: int
    """4-input look-up tables; in a routed design the sites that hold LUTs, carries or both."""
    ffs: int
    dsps: int
    """Multiplier blocks: MULT18X18D, SB_MAC16, MULT18X18; on Gowin halves of one, of 9 bits."""
    brams: int
    """Memory blocks: of 4 kbit on the iCE40, else of 18 kbit."""

    def __add__(self, other: "Resources") -> "Resources":
        """Add count by count."""
        return Resources(
            luts=self.luts + other.luts,
            ffs=self.ffs + other.ffs,
            dsps=self.dsps + other.dsps,
            brams=self.brams + other.brams,
        )

    def __sub__(self, other: "Resources") -> "Resources":
        """Subtract count by count."""
        return Resources(
            luts=self.luts - other.luts,
            ffs=self.ffs - other.ffs,
            dsps=self.dsps - other.dsps,
            brams=self.brams - other.brams,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFile:
    """What tells a nextpnr that does not choose pins by itself where the ports are."""

    name: str
    line: str
    """Of a port, with ``{port}`` and ``{pin}`` in it."""
    arguments: tuple[str, ...]
    """Switches that name the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What all devices of one architecture share."""

    name: str
    nextpnr: str
    """Name of the place-and-route program."""
    yosys_command: str
    """Synthesis pass with its options, without ``-top``."""
    weights: Mapping[str, Mapping[str, int]]
    """Per resource: cell type (or its beginning) to sites taken by one such cell."""
    sites: Mapping[str, str]
    """Per resource: its name under `utilization` in nextpnr's report, where that counts it."""
    nextpnr_arguments: tuple[str, ...] = ()
    technology: str = "portable"
    """What designs for it are elaborated for, one of `bitwright.rtl.technology.TECHNOLOGIES`."""
    boxed: tuple[str, ...] = ()
    """Cells kept from the technology mapper, see `bitwright.synth.boxes`."""
    maps: tuple[str, ...] = ()
    """Files of the folder ``maps``, for `mends`; they say what is mended and why."""
    mends: tuple[str, ...] = ()
    """Yosys commands that mend the mapped netlist."""
    untimed: str = ""
    """Paths that nextpnr's model of the chip has no delays of; Fmax is without them."""
    without_pads: str = ""
    """Option of the synthesis pass that leaves the pads to the harness, where it puts them in."""
    pin_file: PinFile | None = None
    """None: nextpnr chooses pins."""

    @property
    def netlist_command(self) -> str:
        """Synthesis pass for a design without its harness."""
        return f"{self.yosys_command} {self.without_pads}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One FPGA in the package and speed grade of its usual boards."""

    name: str
    family: Family
    switches: tuple[str, ...]
    """nextpnr's, for die, package and speed grade."""
    capacity: Resources
    target_mhz: float
    """Clock that place and route aims at unless told otherwise."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """Pins of the harness' ports, where the family has a `PinFile`."""

    @property
    def nextpnr_arguments(self) -> tuple[str, ...]:
        """Switches that select the device."""
        return (*self.switches, *self.family.nextpnr_arguments)


ECP5 = Family(
    name="ecp5",
    nextpnr="nextpnr-ecp5",
    nextpnr_arguments=("--lpf-allow-unconstrained",),
    # Without -nowidelut arithmetic grows by half: an 8x8 product takes 290 LUT4 against 184.
    yosys_command="synth_ecp5 -nowidelut",
    technology="ecp5",
    boxed=("MULT18X18D",),
    weights=MappingProxyType(
        {
            # A carry cell holds two LUT4; a 16x4 RAM four, and two more for its write port.
            "luts": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            "ffs": {"TRELLIS_FF": 1},
            "dsps": {"MULT18X18D": 1},
            "brams": {"DP16KD": 1, "PDPW16KD": 1},
        }
    ),
    sites=MappingProxyType(
        {"luts": "TRELLIS_COMB", "ffs": "TRELLIS_FF", "dsps": "MULT18X18D", "brams": "DP16KD"}
    ),
)

ICE40_UP = Family(
    name="ice40",
    nextpnr="nextpnr-ice40",
    yosys_command="synth_ice40 -device u -dsp",
    weights=MappingProxyType(
        {
            "luts": {"SB_LUT4": 1},
            "ffs": {"SB_DFF": 1},
            "dsps": {"SB_MAC16": 1},
            "brams": {"SB_RAM40_4K": 1},
        }
    ),
    # A logic cell holds a LUT, a carry and a flip-flop; nextpnr does not count the last alone.
    sites=MappingProxyType(
        {"luts": "ICESTORM_LC", "dsps": "ICESTORM_DSP", "brams": "ICESTORM_RAM"}
    ),
)

ICE40_HX = replace(
    ICE40_UP,
    yosys_command="synth_ice40 -device hx",
    sites=MappingProxyType({"luts": "ICESTORM_LC", "brams": "ICESTORM_RAM"}),
)
"""Without multiplier blocks: every product is built of LUTs."""

NEXUS = Family(
    name="nexus",
    nextpnr="nextpnr-nexus",
    yosys_command="synth_nexus -nowidelut",
    weights=MappingProxyType(
        {
            "luts": {"LUT4": 1, "CCU2": 2, "DPR16X4": 6},
            "ffs": {"FD1P3": 1},
            # Products of wider operands take several blocks.
            "dsps": {"MULT9X9": 1, "MULT18X18": 1, "MULT18X36": 2, "MULT36X36": 4},
            "brams": {"DP16K": 1, "PDP16K": 1, "PDPSC16K": 1, "SP16K": 1},
        }
    ),
    sites=MappingProxyType({"luts": "OXIDE_COMB", "ffs": "OXIDE_FF", "brams": "OXIDE_EBR"}),
    maps=("nexus.v",),
    mends=(
        "techmap -map nexus.v t:VLO",
        "techmap -map nexus.v t:CCU2",
        "hilomap -singleton -hicell VHI Z -locell VLO Z",
        "clean",
    ),
    without_pads="-noiopad",
    pin_file=PinFile(
        name="pins.pdc",
        line="ldc_set_location -site {{{pin}}} [get_ports {port}]",
        arguments=("--pdc", "pins.pdc"),
    ),
)

GOWIN = Family(
    name="gowin",
    nextpnr="nextpnr-himbaechel-gowin",
    yosys_command="synth_gowin -nowidelut",
    weights=MappingProxyType(
        {
            # An ALU is a LUT with its carry; a 16x4 RAM takes a row of LUTs.
            "luts": {"LUT": 1, "ALU": 1, "RAM16SDP4": 6},
            "ffs": {"DFF": 1},
            "dsps": {"MULT9X9": 1, "MULT18X18": 2, "MULT36X36": 8},
            "brams": {"DPB": 1, "DPX9B": 1, "SDPB": 1, "SDPX9B": 1, "SP": 1},
        }
    ),
    sites=MappingProxyType({"luts": "LUT4", "ffs": "DFF", "brams": "BSRAM"}),
    untimed="paths out of memory blocks and through multiplier blocks",
    without_pads="-noiopads",
    pin_file=PinFile(
        name="pins.cst", line='IO_LOC "{port}" {pin};', arguments=("--vopt", "cst=pins.cst")
    ),
)

_ALL = (
    Device(
        name="ecp5-25f",
        family=ECP5,
        switches=("--25k", "--package", "CABGA381", "--speed", "6"),
        capacity=Resources(luts=24288, ffs=24288, dsps=28, brams=56),
        target_mhz=100.0,
    ),
    Device(
        name="ecp5-45f",
        family=ECP5,
        switches=("--45k", "--package", "CABGA381", "--speed", "6"),
        capacity=Resources(luts=43848, ffs=43848, dsps=72, brams=108),
        target_mhz=100.0,
    ),
    Device(
        name="ecp5-85f",
        family=ECP5,
        switches=("--85k", "--package", "CABGA381", "--speed", "6"),
        capacity=Resources(luts=83640, ffs=83640, dsps=156, brams=208),
        target_mhz=100.0,
    ),
    Device(
        name="ice40-up5k",
        family=ICE40_UP,
        switches=("--up5k", "--package", "sg48"),
        capacity=Resources(luts=5280, ffs=5280, dsps=8, brams=30),
        target_mhz=24.0,
    ),
    Device(
        name="ice40-hx8k",
        family=ICE40_HX,
        switches=("--hx8k", "--package", "ct256"),
        capacity=Resources(luts=7680, ffs=7680, dsps=0, brams=32),
        target_mhz=48.0,
    ),
    Device(
        name="nexus-lifcl40",
        family=NEXUS,
        switches=("--device", "LIFCL-40-9BG400C"),
        capacity=Resources(luts=32256, ffs=32256, dsps=56, brams=84),
        target_mhz=100.0,
        pins={"clk": "D10", "shift": "G13", "si": "G14", "so": "F16"},
    ),
    Device(
        name="gowin-gw2a18",
        family=GOWIN,
        switches=("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18"),
        capacity=Resources(luts=20736, ffs=15552, dsps=96, brams=46),
        target_mhz=100.0,
        pins={"clk": "H11", "shift": "T10", "si": "R8", "so": "C13"},
    ),
)

DEVICES: Mapping[str, Device] = MappingProxyType({device.name: device for device in _ALL})
"""Every device by name."""


def find_device(name: str) -> Device:
    """Return the device of that name.

    >>> find_device("ecp5-25f").capacity.dsps
    28

    Raises:
        UnknownDeviceError: no such device; lists the known ones.
    """
    try:
        return DEVICES[name]
    except KeyError:
        raise UnknownDeviceError(
            f"device {name!r} is unknown; known are {', '.join(DEVICES)}"
        ) from None
