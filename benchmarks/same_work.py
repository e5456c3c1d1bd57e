"""The cocotb bench that `backbone.py` times: a program loaded once, images run, results compared.

The same `.bwp`, the same images and the same bus transactions as the C++ driver's, over
cocotbext-axi. It writes the cycles and the wall time of the images alone.
"""

import json
import os
import time
from pathlib import Path

import cocotb
import numpy as np
from tests.cocotb.host import Host

from bitwright.compiler import Program


@cocotb.test()
async def images_over_the_buses(dut):
    program = Program.load(os.environ["PROGRAM"])
    x = np.load(os.environ["IMAGES"])
    host = await Host.start(dut)
    await host.load(program)
    began = time.perf_counter()
    outputs = await host.run(program, x)
    seconds = time.perf_counter() - began
    assert (outputs == program.network.run(x)).all()
    cycles = await host.read_wide("cycles")
    Path(os.environ["RESULT"]).write_text(json.dumps({"cycles": cycles, "seconds": seconds}))
