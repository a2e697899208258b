import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import ConflictError, SettingsError
from growthbench.store import keyring as module
from growthbench.store.keyring import Keyring, KeyringError, fresh_key


def _key(byte):
    return base64.b64encode(bytes([byte]) * 32).decode()


@given(plain=st.binary(max_size=200), about=st.binary(max_size=40))
def test_what_is_sealed_opens_again(plain, about):
    ring = Keyring({"a": bytes(32)}, bytes(32))
    assert ring.unseal(ring.seal(plain, about), about) == plain


@given(plain=st.binary(max_size=40), place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_altered_byte_is_noticed(plain, place, flip):
    ring = Keyring({"a": bytes(32), "b": bytes([1]) * 32}, bytes(32))
    sealed = bytearray(ring.seal(plain))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(KeyringError):
        ring.unseal(bytes(sealed))


def test_a_seal_belongs_to_what_it_is_about():
    ring = Keyring({"a": bytes(32)}, bytes(32))
    with pytest.raises(KeyringError, match="somewhere else"):
        ring.unseal(ring.seal(b"x", b"tenant a"), b"tenant b")


@pytest.mark.parametrize("rubbish", [b"", b"\x00", b"\x05ab", b"\x01", b"\x01a", b"\x01a" + bytes(12), b"\xff" * 50])
def test_rubbish_is_refused(rubbish):
    with pytest.raises(KeyringError):
        Keyring({"a": bytes(32)}, bytes(32)).unseal(rubbish)


def test_two_seals_of_one_text_differ():
    ring = Keyring({"a": bytes(32)}, bytes(32))
    assert ring.seal(b"x") != ring.seal(b"x")


@given(a=st.tuples(st.text(), st.text(), st.text()), b=st.tuples(st.text(), st.text(), st.text()))
def test_lookups_are_equal_only_for_equal_triples(a, b):
    ring = Keyring({"a": bytes(32)}, bytes(32))
    assert (ring.lookup(*a) == ring.lookup(*b)) == (a == b)


def test_the_first_use_makes_a_file_that_only_we_may_read(tmp_path):
    ring = Keyring.open(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home" / "keyring.json").stat().st_mode) == 0o600
    again = Keyring.open(tmp_path / "home")
    assert again.unseal(ring.seal(b"x")) == b"x"
    assert again.lookup("t", "user", "u1") == ring.lookup("t", "user", "u1")


def test_two_homes_have_nothing_in_common(tmp_path):
    one, two = Keyring.open(tmp_path / "a"), Keyring.open(tmp_path / "b")
    assert one.lookup("t", "user", "u1") != two.lookup("t", "user", "u1")
    with pytest.raises(KeyringError, match="not in the key ring"):
        two.unseal(one.seal(b"x"))


def test_openings_at_once_agree_on_one_ring(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: Keyring.open(tmp_path / "home"), range(8)))
    assert len({ring.key_ids for ring in rings}) == 1
    assert len({ring.fingerprint for ring in rings}) == 1


def test_rotation_keeps_old_seals_readable_and_lookups_the_same(tmp_path):
    ring = Keyring.open(tmp_path)
    old, found = ring.seal(b"old"), ring.lookup("t", "user", "u1")
    new_id = ring.rotate()
    assert ring.key_ids[0] == new_id
    assert Keyring.key_of(ring.seal(b"new")) == new_id != Keyring.key_of(old)
    assert ring.unseal(old) == b"old"
    assert ring.lookup("t", "user", "u1") == found == Keyring.open(tmp_path).lookup("t", "user", "u1")


def test_another_process_follows_a_rotation(tmp_path, monkeypatch):
    here, there = Keyring.open(tmp_path), Keyring.open(tmp_path)
    new_id = here.rotate()
    assert there.unseal(here.seal(b"new")) == b"new"  # an unknown key is looked for at once
    other = Keyring.open(tmp_path)
    newest = here.rotate()
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.0)  # else within a second
    assert Keyring.key_of(other.seal(b"x")) == newest != new_id


def test_a_ring_of_the_environment_comes_newest_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k1:{_key(1)}")
    first = Keyring.open(tmp_path)
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k2:{_key(2)}, k1:{_key(1)}")
    second = Keyring.open(tmp_path)
    assert Keyring.key_of(second.seal(b"x")) == "k2"
    assert second.unseal(first.seal(b"x")) == b"x"
    assert second.lookup("t", "user", "u") == first.lookup("t", "user", "u")
    assert not (tmp_path / "keyring.json").exists()
    with pytest.raises(ConflictError, match="GROWTHBENCH_KEYRING"):
        second.rotate()


def test_the_oldest_key_is_retired_by_naming_it_lookup(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k1:{_key(1)}")
    first = Keyring.open(tmp_path)
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k2:{_key(2)},lookup:{_key(1)}")
    second = Keyring.open(tmp_path)
    assert second.lookup("t", "user", "u") == first.lookup("t", "user", "u")
    assert second.key_ids == ("k2",)
    with pytest.raises(KeyringError):
        second.unseal(first.seal(b"x"))


def test_a_ring_that_would_find_nobody_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k1:{_key(1)}")
    Keyring.open(tmp_path)
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"k2:{_key(2)}")
    with pytest.raises(SettingsError, match="look-up key"):
        Keyring.open(tmp_path)


def test_what_is_derived_differs_by_purpose_and_key(tmp_path):
    ring = Keyring.open(tmp_path)
    old = ring.key_ids[0]
    before = ring.derived("tokens")
    ring.rotate()
    assert ring.derived("tokens", old) == before
    assert len({before, ring.derived("tokens"), ring.derived("others")}) == 3
    with pytest.raises(KeyringError):
        ring.derived("tokens", "nobody")


@pytest.mark.parametrize(
    "text",
    ["k1", "k1:!!", f"k1:{_key(1)[:20]}", f"k 1:{_key(1)}", f"k1:{_key(1)},k1:{_key(2)}", f"{'k' * 40}:{_key(1)}"],
)
def test_a_bad_ring_is_refused_without_telling_it(tmp_path, monkeypatch, text):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", text)
    with pytest.raises(SettingsError) as caught:
        Keyring.open(tmp_path)
    assert _key(1)[:20] not in str(caught.value)


def test_only_a_lookup_key_is_no_ring(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"lookup:{_key(1)}")
    with pytest.raises(SettingsError, match="at least one key"):
        Keyring.open(tmp_path)


def test_a_broken_file_is_never_replaced(tmp_path):
    path = tmp_path / "keyring.json"
    for broken in ("", "[]", json.dumps({"keys": {}})):
        path.write_text(broken)
        with pytest.raises(SettingsError, match=r"not a key ring"):
            Keyring.open(tmp_path)
        assert path.read_text() == broken


def test_a_fresh_key_fits_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"{fresh_key()},{fresh_key()}")
    ring = Keyring.open(tmp_path)
    assert ring.unseal(ring.seal(b"x")) == b"x"


def test_a_running_process_survives_the_loss_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.0)
    ring = Keyring.open(tmp_path)
    (tmp_path / "keyring.json").unlink()
    assert ring.unseal(ring.seal(b"x")) == b"x"


def test_old_keys_are_retired_and_lookups_stay(tmp_path):
    ring = Keyring.open(tmp_path)
    first, found, old = ring.key_ids[0], ring.lookup("t", "user", "u"), ring.seal(b"old")
    second, third = ring.rotate(), ring.rotate()
    other = Keyring.open(tmp_path)
    ring.retire([first])
    assert ring.key_ids == (third, second)
    assert ring.lookup("t", "user", "u") == found == Keyring.open(tmp_path).lookup("t", "user", "u")
    for one in (ring, Keyring.open(tmp_path)):
        with pytest.raises(KeyringError, match="not in the key ring"):
            one.unseal(old)
    assert other.unseal(ring.seal(b"new")) == b"new"


def test_the_newest_key_and_strangers_are_not_retired(tmp_path, monkeypatch):
    ring = Keyring.open(tmp_path)
    old, newest = ring.key_ids[0], ring.rotate()
    for wrong in ([newest], [old, "nobody"], [old, newest]):
        with pytest.raises(ConflictError, match="cannot be retired"):
            ring.retire(wrong)
    assert ring.key_ids == Keyring.open(tmp_path).key_ids == (newest, old)
    monkeypatch.setenv("GROWTHBENCH_KEYRING", fresh_key())
    with pytest.raises(ConflictError, match="GROWTHBENCH_KEYRING"):
        Keyring.open(tmp_path / "other").retire([old])
