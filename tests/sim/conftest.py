"""The small accelerator as a fixture."""

import pytest
from tests.support.machines import SMALL

from bitwright.isa import Architecture


@pytest.fixture(scope="session")
def small() -> Architecture:
    return SMALL
