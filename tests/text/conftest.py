import pytest

from growthbench.text import MiniLM


@pytest.fixture(scope="session")
def encoder_home(tmp_path_factory):
    """A home where the graph is built once for all tests."""
    return tmp_path_factory.mktemp("encoder-home")


@pytest.fixture(scope="session")
def encoder(encoder_home):
    """The encoder itself; its wheel is one of the project's dependencies."""
    return MiniLM(encoder_home)
