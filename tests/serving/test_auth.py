import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from growthbench.base.errors import AccessError, LimitError, NotReadyError
from growthbench.serving import auth as module
from growthbench.serving import credentials
from growthbench.serving.auth import Auth
from growthbench.serving.credentials import Signature, Signatures, read_credential, sign
from growthbench.serving.nearby import is_nearby
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants
from growthbench.store.tokens import Tokens


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(store_url):
    """Both databases, one after the other."""
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keyring(tmp_path):
    return Keyring.open(tmp_path / "keys")


@pytest.fixture
def tenants(store, keyring):
    made = Tenants(store, keyring)
    made.ensure("local")
    for name in ("shop", "other"):
        made.create(name, tenant_id=name)
    return made


@pytest.fixture
def auth(store, keyring, tenants, clock):
    opened = Auth(store, keyring, tenants, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def key(tenants):
    return tenants.keys.create("shop", "secret")


def _bearer(text):
    return [(b"host", b"x"), (b"authorization", b"Bearer " + text.encode())]


def _request(headers, method="POST", path="/v1/track", raw_query=b"", body=b"{}", client="10.0.0.1"):
    return headers, method, path, raw_query, body, client


def _caller(auth, *request):
    found = auth.known(*request)
    return found if found is not None else auth.ask(*request)


def _refuses(auth, *request):
    with pytest.raises(AccessError):
        _caller(auth, *request)
    return True


# ---- what is shown


@pytest.mark.parametrize(
    "form",
    [
        lambda key: [(b"authorization", b"Bearer " + key)],
        lambda key: [(b"authorization", b"bearer  " + key)],
        lambda key: [(b"authorization", b"Basic " + base64.b64encode(key + b":"))],
        lambda key: [(b"authorization", b"Basic " + base64.b64encode(key))],
        lambda key: [(b"x-api-key", key)],
        lambda key: [(b"x-api-key", b"rubbish"), (b"authorization", b"Bearer " + key)],
    ],
)
def test_a_key_is_known_in_every_form(auth, key, form):
    request = _request(form(key.key.encode()))
    assert auth.known(*request) is None
    assert auth.ask(*request) == Caller("shop", "key", key.key_id, "service", "free")
    assert auth.known(*request) == auth.ask(*request)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer \xff\x00")],
        [(b"authorization", b"Digest x")],
        [(b"authorization", b"Basic !!")],
        [(b"authorization", b"Basic " + base64.b64encode(b":secret"))],
        [(b"authorization", b"Bearer " + b"x" * 5_000)],
        [(b"authorization", b"Bearer gbs_" + b"0" * 24 + b"_" + b"a" * 43)],
        [(b"authorization", b"Bearer a.b.c")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"\xe9")],
        [(b"x-gb-key-id", b"0" * 24)],
        [(b"x-gb-signature", b"0" * 64)],
        [(b"x-gb-key-id", b"\x00"), (b"x-gb-timestamp", b"1"), (b"x-gb-signature", b"0")],
    ],
)
def test_who_shows_nothing_that_counts_is_refused(auth, headers):
    assert _refuses(auth, *_request(headers))
    assert _refuses(auth, *_request(headers))


@given(st.lists(st.tuples(
    st.sampled_from([b"authorization", b"x-api-key", b"x-gb-key-id", b"x-gb-timestamp", b"x-gb-signature", b"host"]),
    st.one_of(st.binary(max_size=60), st.binary(max_size=30).map(lambda b: b"Basic " + base64.b64encode(b)),
              st.binary(max_size=30).map(lambda b: b"Bearer " + b))), max_size=5))  # fmt: skip
def test_headers_of_any_kind_are_read_or_refused(headers):
    try:
        found = read_credential(headers)
    except AccessError:
        return
    assert found is None or isinstance(found, str | Signature)


def test_the_id_of_a_key_opens_nothing_even_after_a_signed_request(auth, key):
    signed = _signed(key)
    assert _caller(auth, *signed).caller_id == key.key_id
    for shown in (key.key_id, f"{key.key_id} signs"):
        assert _refuses(auth, *_request(_bearer(shown)))
        assert _refuses(auth, *_request([(b"x-api-key", shown.encode())]))


def test_keys_are_not_kept_in_memory(auth, key):
    _caller(auth, *_request(_bearer(key.key)))
    assert key.key not in repr(auth._entries)


# ---- for how long


def test_memory_is_trusted_for_less_than_two_seconds(auth, key, tenants, clock):
    request = _request(_bearer(key.key))
    auth.ask(*request)
    tenants.keys.revoke("shop", key.key_id)
    clock.now += 0.5
    assert auth.known(*request).caller_id == key.key_id
    clock.now += 1.5
    assert auth.known(*request) is None
    assert _refuses(auth, *request)
    with pytest.raises(AccessError):  # known to be unknown, for a moment
        auth.known(*request)


def test_a_busy_key_is_looked_up_in_the_background(auth, key, tenants, clock):
    request = _request(_bearer(key.key))
    auth.ask(*request)
    for _ in range(20):
        clock.now += 0.9
        assert auth.known(*request) is not None
        auth._pool.submit(int).result()  # what was handed over before is done
    tenants.keys.revoke("shop", key.key_id)
    clock.now += 0.9
    auth.known(*request)
    auth._pool.submit(int).result()
    assert auth.known(*request) is None


def test_in_true_time_a_revoked_key_stops_within_two_seconds(store, keyring, tenants, key):
    one, two = Auth(store, keyring, tenants), Auth(store, keyring, tenants)
    request = _request(_bearer(key.key))
    for auth in (one, two):
        _caller(auth, *request)
    tenants.keys.revoke("shop", key.key_id)
    revoked_at, stopped = time.monotonic(), {}
    while len(stopped) < 2 and time.monotonic() - revoked_at < 5:
        for auth in (one, two):
            try:
                _caller(auth, *request)
            except AccessError:
                stopped.setdefault(id(auth), time.monotonic() - revoked_at)
        time.sleep(0.01)
    one.close()
    two.close()
    assert len(stopped) == 2
    assert max(stopped.values()) < 2.0


def test_what_is_changed_here_is_followed_at_once(auth, key, tenants):
    request = _request(_bearer(key.key))
    auth.ask(*request)
    tenants.keys.revoke("shop", key.key_id)
    auth.forget()
    assert _refuses(auth, *request)


def test_a_rotated_key_ends_with_its_grace_though_it_is_fresh(auth, key, tenants, clock):
    tenants.keys.rotate("shop", key.key_id, grace_s=1)
    request = _request(_bearer(key.key))
    auth.ask(*request)
    clock.now += 1.1
    assert auth.known(*request) is None


def test_a_tokens_end_is_kept_though_it_is_fresh(auth, key, tenants, store, keyring, clock, monkeypatch):
    monkeypatch.setattr(module, "FRESH_S", 100)
    monkeypatch.setattr(module, "REFRESH_S", 100)
    token = Tokens(store, keyring).issue(tenants.keys.find(key.key), lifetime_s=2)
    request = _request(_bearer(token))
    assert auth.ask(*request).role == "service"
    clock.now += 0.5
    assert auth.known(*request) is not None
    clock.now += 1.6
    assert auth.known(*request) is None


def test_a_member_is_known_by_a_token_and_a_new_role_is_followed(auth, store, keyring, clock):
    members = Members(store, keyring)
    ann = members.create("shop", "ann@shop.example", "Ann", "analyst")["member_id"]
    token = members.tokens.issue(Caller("shop", "member", ann, "analyst"))
    request = _request(_bearer(token))
    assert auth.ask(*request) == Caller("shop", "member", ann, "analyst", "free")
    members.update("shop", ann, role="viewer")
    clock.now += 2
    assert _caller(auth, *request).role == "viewer"
    members.update("shop", ann, disabled=True)
    clock.now += 2
    assert _refuses(auth, *request)


def test_memory_does_not_grow_without_end(auth, key, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 50)
    for number in range(120):
        _refuses(auth, *_request(_bearer(f"gbs_{number:024x}_{'a' * 43}")))
    assert len(auth._refused) <= 50
    assert _caller(auth, *_request(_bearer(key.key)))


# ---- the store is away


@pytest.fixture
def away(auth, monkeypatch):
    """A function that takes the store away."""

    def take():
        def fail(*_):
            raise OperationalError("SELECT", {}, OSError("away"))

        for method in ("look", "look_by_id"):
            monkeypatch.setattr(auth._keys, method, fail)
        monkeypatch.setattr(auth._tokens, "verify", fail)

    return take


def test_while_the_store_is_away_who_was_known_stays_known_for_a_while(auth, key, clock, away):
    request = _request(_bearer(key.key))
    auth.ask(*request)
    away()
    clock.now += 10
    assert auth.known(*request) is None
    assert auth.ask(*request).caller_id == key.key_id
    assert auth.known(*request).caller_id == key.key_id  # and for a moment nobody asks again
    clock.now += module.STALE_S
    with pytest.raises(NotReadyError):
        auth.ask(*request)


def test_while_the_store_is_away_nobody_new_is_let_in(auth, key, away):
    away()
    for _ in range(2):
        with pytest.raises(NotReadyError):
            auth.ask(*_request(_bearer(key.key)))


# ---- signed requests


def _signed(key, method="POST", path="/v1/track", raw_query=b"", body=b"{}", at=None, secret=None):
    stamp = str(int(time.time() if at is None else at))
    signature = sign((secret or key.signing_secret).encode(), stamp, method, path, raw_query, body)
    headers = [(b"x-gb-key-id", key.key_id.encode()), (b"x-gb-timestamp", stamp.encode()),
               (b"x-gb-signature", signature.encode())]  # fmt: skip
    return _request(headers, method, path, raw_query, body)


def test_a_signature_is_what_the_documentation_says():
    import hashlib
    import hmac

    told = f"1700000000\nGET\n/api/v1/usage?days=3\n{hashlib.sha256(b'').hexdigest()}"
    expected = hmac.new(b"s", told.encode(), hashlib.sha256).hexdigest()
    assert sign(b"s", "1700000000", "GET", "/api/v1/usage", b"days=3", b"") == expected


def test_a_signed_request_is_known_and_counts_once(auth, key):
    request = _signed(key)
    assert auth.known(*request) is None
    assert auth.ask(*request) == Caller("shop", "key", key.key_id, "service", "free")
    for way in (auth.known, auth.ask):
        with pytest.raises(AccessError, match="answered before"):
            way(*request)
    assert auth.known(*_signed(key, body=b"[]")).tenant == "shop"  # from memory


@pytest.mark.parametrize("place", range(1, 5))
def test_whatever_is_altered_the_signature_does_not_fit(auth, key, place):
    _caller(auth, *_signed(key, body=b"first"))
    request = list(_signed(key, raw_query=b"a=1"))
    request[place] = ("PUT", "/v1/page", b"a=2", b"{ }")[place - 1]
    with pytest.raises(AccessError, match="does not fit"):
        auth.known(*request)


def test_the_timestamp_is_signed(auth, key):
    headers, *rest = _signed(key)
    headers[1] = (b"x-gb-timestamp", str(int(time.time()) - 5).encode())
    with pytest.raises(AccessError, match="does not fit"):
        _caller(auth, headers, *rest)


@pytest.mark.parametrize("late", [-301, 301])
def test_a_request_of_another_time_is_refused(auth, key, late):
    with pytest.raises(AccessError, match="300 s away"):
        _caller(auth, *_signed(key, at=time.time() + late))


@pytest.mark.parametrize("stamp", [b"", b"-1", b"1e9", b"17000000000000", b"\xb2", b" 1", b"1.5"])
def test_a_timestamp_is_whole_seconds(auth, key, stamp):
    headers, *rest = _signed(key)
    headers[1] = (b"x-gb-timestamp", stamp)
    with pytest.raises(AccessError, match="whole seconds"):
        _caller(auth, headers, *rest)


def test_another_keys_secret_signs_nothing(auth, key, tenants):
    other = tenants.keys.create("shop", "secret")
    with pytest.raises(AccessError, match="does not fit"):
        _caller(auth, *_signed(key, secret=other.signing_secret))


def test_a_revoked_key_signs_nothing(auth, key, tenants, clock):
    _caller(auth, *_signed(key, body=b"1"))
    tenants.keys.revoke("shop", key.key_id)
    clock.now += 2
    assert _refuses(auth, *_signed(key, body=b"2"))


def test_a_long_body_is_hashed_in_a_thread(auth, key):
    _caller(auth, *_signed(key))
    request = _signed(key, body=b"x" * 100_000)
    assert auth.known(*request) is None
    assert auth.ask(*request).tenant == "shop"
    assert _refuses(auth, *request)


def test_signatures_are_forgotten_when_they_could_not_be_used_any_more(monkeypatch):
    clock = Clock()
    seen = Signatures(clock)
    for _ in range(60):
        stamp = str(int(clock.now))
        seen.check(Signature("k", stamp, sign(b"s", stamp, "GET", "/", b"", b"")), b"s", "GET", "/", b"", b"")
        clock.now += 30
    assert len(seen._seen) <= 8
    monkeypatch.setattr(credentials, "MOST_SIGNATURES", 20)
    clock.now += 120
    for number in range(2):
        stamp, body = str(int(clock.now)), str(number).encode()
        seen.check(Signature("k", stamp, sign(b"s", stamp, "GET", "/", b"", body)), b"s", "GET", "/", b"", body)
    with pytest.raises(LimitError):
        seen.check(Signature("k", stamp, sign(b"s", stamp, "GET", "/", b"", b"x")), b"s", "GET", "/", b"", b"x")


# ---- somebody at this machine


LOCAL = [(b"host", b"127.0.0.1:3000")]


@pytest.fixture
def open_auth(store, keyring, tenants):
    opened = Auth(store, keyring, tenants, open_to_local=True)
    yield opened
    opened.close()


def test_somebody_here_needs_no_key_if_we_are_open(open_auth, auth):
    request = _request(LOCAL, client="127.0.0.1")
    assert open_auth.known(*request) is None
    assert open_auth.ask(*request) == Caller("local", "local", "local", "admin", "local")
    assert open_auth.known(*request) == open_auth.ask(*request)
    assert _refuses(auth, *request)


def test_a_wrong_key_is_refused_here_too(open_auth):
    assert _refuses(open_auth, *_request([*LOCAL, *_bearer("rubbish")], client="127.0.0.1"))


@pytest.mark.parametrize(
    ("headers", "client", "expected"),
    [
        (LOCAL, "127.0.0.1", True),
        ([(b"host", b"localhost")], "::1", True),
        ([(b"host", b"[::1]:3000")], "127.8.8.8", True),
        ([*LOCAL, (b"origin", b"http://localhost:8888")], "127.0.0.1", True),
        (LOCAL, "10.0.0.1", False),
        (LOCAL, "", False),
        ([], "127.0.0.1", False),
        ([(b"host", b"evil.example:3000")], "127.0.0.1", False),
        ([(b"host", b"localhost.evil.example")], "127.0.0.1", False),
        ([(b"host", b"127.0.0.1.evil.example")], "127.0.0.1", False),
        ([(b"host", b"[")], "127.0.0.1", False),
        ([*LOCAL, (b"origin", b"https://evil.example")], "127.0.0.1", False),
        ([*LOCAL, (b"origin", b"null")], "127.0.0.1", False),
        ([*LOCAL, (b"x-forwarded-for", b"10.0.0.1")], "127.0.0.1", False),
        ([*LOCAL, (b"forwarded", b"for=10.0.0.1")], "127.0.0.1", False),
    ],
)
def test_nearby_is_who_is_here_on_purpose(headers, client, expected):
    assert is_nearby(headers, client) is expected


def test_without_a_first_tenant_nobody_is_let_in(store, keyring, tenants):
    opened = Auth(store, keyring, tenants, open_to_local=True, local_tenant="nobody")
    assert _refuses(opened, *_request(LOCAL, client="127.0.0.1"))
    opened.close()


# ---- across tenants


def test_nobodys_key_is_known_as_another_tenants(auth, tenants):
    made = {name: tenants.keys.create(name, "secret") for name in ("shop", "other")}
    for _ in range(3):
        for name, new in made.items():
            assert _caller(auth, *_request(_bearer(new.key))).tenant == name
    mixed = made["shop"].key[:28] + made["other"].key[28:]
    assert _refuses(auth, *_request(_bearer(mixed)))


def test_memory_answers_within_microseconds(auth, key):
    request = _request(_bearer(key.key))
    auth.ask(*request)
    best = 1.0
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(1_000):
            auth.known(*request)
        best = min(best, (time.perf_counter() - begun) / 1_000)
    assert best < 50e-6
