"""The mapped netlist as Verilog that simulates: the cells of the chip, each with its model.

The netlist has the ports of the design, so whatever drives the design drives it too.
"""

from pathlib import Path

from bitwright.synth import cache, tools
from bitwright.synth.flow import BUILD
from bitwright.synth.primitives import primitive_verilog
from bitwright.synth.report import SynthesisReport

_REVISION = 1


def netlist_verilog(synthesis: SynthesisReport, *, build: Path = BUILD) -> str:
    """Return the netlist of a synthesis and the models of its cells; the netlist is kept.

    Raises:
        SynthesisError: a cell has no model (those of the iCE40), or yosys is missing or failed.
    """
    models = primitive_verilog(kind for kind, _ in synthesis.cells)
    yosys = tools.find_program("yosys")
    folder = build / cache.digest_of("netlist", _REVISION, synthesis.digest, yosys.identity)
    if not folder.is_dir():
        with cache.new_folder(folder) as working:
            (working / "netlist.ys").write_text(_script(synthesis.digest))
            tools.run(yosys, ["netlist.ys"], working, "yosys.log")
    return (folder / "netlist.v").read_text() + models


def _script(digest: str) -> str:
    # Bits of one bus that depend on each other would look like a loop, were the bus left whole.
    return f"""\
read_json ../{digest}/netlist.json
delete */t:$scopeinfo
splitnets
write_verilog -noattr netlist.v
"""
