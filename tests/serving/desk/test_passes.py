import pytest

from growthbench.base.errors import AccessError
from growthbench.serving.desk.passes import HEADER, WINDOW_S, PassAuth, PassOffice
from growthbench.store.callers import Caller
from growthbench.store.keyring import Keyring

CALLER = Caller("shop", "key", "key_1", "service", "pro")
ASKED = ("POST", "/api/v1/chat?x=1", b'{"text": "hello"}')
RING = Keyring({"k1": b"1" * 32}, b"l" * 32)


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def office(clock):
    return PassOffice(RING, clock)


def test_a_pass_says_on_whose_behalf_once(office):
    shown = office.write(CALLER, *ASKED)
    assert office.check(shown, *ASKED) == CALLER
    with pytest.raises(AccessError, match="shown before"):
        office.check(shown, *ASKED)


@pytest.mark.parametrize("other", [
    ("GET", *ASKED[1:]), ("POST", "/api/v1/chat?x=2", ASKED[2]), ("POST", "/api/v1/chat", ASKED[2]),
    (*ASKED[:2], ASKED[2] + b" "),
])  # fmt: skip
def test_a_pass_is_for_one_request(office, other):
    with pytest.raises(AccessError, match="not for this request"):
        office.check(office.write(CALLER, *ASKED), *other)


def test_a_pass_is_soon_over_and_not_for_later(office, clock):
    shown = office.write(CALLER, *ASKED)
    for away in (WINDOW_S + 1, -WINDOW_S - 1):
        clock.now = 1_000_000.0 + away
        with pytest.raises(AccessError, match="away from now"):
            office.check(shown, *ASKED)
    clock.now = 1_000_000.0 + WINDOW_S - 1
    assert office.check(shown, *ASKED) == CALLER


def test_nobody_without_the_key_ring_writes_one(office, clock):
    other = PassOffice(Keyring({"k1": b"2" * 32}, b"l" * 32), clock)
    for shown in (other.write(CALLER, *ASKED), b"", b".", b"e30=.00", office.write(CALLER, *ASKED)[:-1] + b"x"):
        with pytest.raises(AccessError):
            office.check(shown, *ASKED)
    raised = office.write(CALLER, *ASKED)
    role = raised.partition(b".")[2]
    with pytest.raises(AccessError):
        office.check(
            other.write(Caller("shop", "key", "key_1", "admin"), *ASKED).partition(b".")[0] + b"." + role, *ASKED
        )


def test_a_pass_of_a_key_that_was_newest_before_still_counts(clock):
    older = PassOffice(RING, clock)
    newer = PassOffice(Keyring({"k2": b"2" * 32, "k1": b"1" * 32}, b"l" * 32), clock)
    assert newer.check(older.write(CALLER, *ASKED), *ASKED) == CALLER


def test_who_shows_none_is_nobody(office):
    auth = PassAuth(office)
    with pytest.raises(AccessError, match="the Door alone"):
        auth.known([(b"authorization", b"Bearer gbs_1_1")], "POST", "/api/v1/chat", b"x=1", ASKED[2], "")
    shown = office.write(CALLER, *ASKED)
    assert auth.known([(HEADER, shown)], "POST", "/api/v1/chat", b"x=1", ASKED[2], "") == CALLER
