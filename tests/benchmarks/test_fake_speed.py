import re

import pytest
import torch
from tests.support.scripts import load_script

from bitwright.arith import parse


def test_every_format_is_measured_beside_torch(capsys: pytest.CaptureFixture[str]) -> None:
    script = load_script("benchmarks/fake_speed.py")
    threads = str(torch.get_num_threads())
    assert script.main(["--rows", "8", "--columns", "64", "--threads", threads]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    measured = [re.fullmatch(r"(.*?) +(\d+) +(\d+)", line) for line in lines]
    names = [match[1] for match in measured if match]
    assert names == [script.PEER, "int8 (scale given)", *script.FORMATS]
    assert [str(parse(name)) for name in script.FORMATS] == script.FORMATS
