import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The networks here are small: on a shared machine a second thread mostly waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
