"""Two runs, made once: one in which nothing differs and one with a fault in the RTL."""

from pathlib import Path

import pytest
from tests.support.runs import small_run


@pytest.fixture(scope="session")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    return small_run(tmp_path_factory.mktemp("runs") / "exact").parent


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    return small_run(tmp_path_factory.mktemp("runs") / "faulty", inject="sign").parent
