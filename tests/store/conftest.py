import pytest
from argon2 import PasswordHasher

from growthbench.store import passwords
from growthbench.store.keyring import Keyring
from growthbench.store.tenants import Tenants


@pytest.fixture
def keyring(tmp_path):
    return Keyring.open(tmp_path / "keys")


@pytest.fixture
def tenants(store, keyring):
    """The table of tenants, with ``shop`` and ``other`` in it."""
    made = Tenants(store, keyring)
    for name in ("shop", "other"):
        made.create(name, tenant_id=name)
    return made


@pytest.fixture
def quick_hashing(monkeypatch):
    """Argon2 with little work: for tests in which the strength of the hash is not the point."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()
