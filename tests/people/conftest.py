"""A key ring and a directory over each store."""

import pytest


@pytest.fixture
def keyring(tmp_path):
    from growthbench.store.keyring import Keyring

    return Keyring.open(tmp_path / "home")


@pytest.fixture
def directory(store, keyring):
    from growthbench.people.directory import Directory

    return Directory(store, keyring)
