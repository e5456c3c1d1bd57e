import importlib.util
import re
from pathlib import Path

import pytest
import torch

from bitwright.arith import parse

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fake_speed.py"


def test_every_format_is_measured_beside_torch(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("fake_speed", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    threads = str(torch.get_num_threads())
    assert script.main(["--rows", "8", "--columns", "64", "--threads", threads]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    measured = [re.fullmatch(r"(.*?) +(\d+) +(\d+)", line) for line in lines]
    names = [match[1] for match in measured if match]
    assert names == [script.PEER, "int8 (scale given)", *script.FORMATS]
    assert [str(parse(name)) for name in script.FORMATS] == script.FORMATS
