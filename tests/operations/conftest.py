"""A store and a home with a small town in it, once per database."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "predictions"))
sys.path.insert(0, str(Path(__file__).parent))

import small_town


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, home):
    """URL of an empty store, once per database; SQLite's lies in the home."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'growthbench.db'}"
    return request.getfixturevalue("postgres_store_url")


@pytest.fixture
def keyring(home):
    from growthbench.store.keyring import Keyring

    return Keyring.open(home)


@pytest.fixture
def town(store, home, keyring, store_url):
    """Jane, Bob, and what the Door keeps of them."""
    return small_town.build(store, home, keyring, store_url)
