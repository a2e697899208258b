"""Passwords and codes: hashed with argon2, checked in the same time whether there is one or not."""

import secrets
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from growthbench.base.errors import BadInputError, LimitError

SHORTEST, LONGEST = 12, 1_000
NO_PASSWORD = "!"
"""Stands for the hash of whoever has no password yet; nothing matches it."""

_HASHER = PasswordHasher()  # argon2id, 64 MiB: the second choice of RFC 9106
_AT_ONCE = threading.BoundedSemaphore(2)
_WAIT_S = 2.0
_PERIOD_S = 30
_COMMON = ("password", "passwort", "123456789", "qwertyuiop", "qwertzuiop", "letmein", "iloveyou")


def hashed(password: str, email: str = "") -> str:
    """The argon2 hash of a new password.

    Raises
    ------
    BadInputError
        Too short or too long, or the first thing that somebody would try.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInputError(f"a password has {SHORTEST} to {LONGEST} characters, found {len(password)}", "password")
    low = password.lower()
    name = email.partition("@")[0].lower()
    if len(set(low)) < 5 or any(c in low for c in _COMMON) or (len(name) > 3 and name in low):
        raise BadInputError("this password is among the first that somebody would try", field="password")
    try:
        return hashed_anew(password)
    except UnicodeError as exc:
        raise BadInputError("a password must not hold lone surrogates", field="password") from exc


def hashed_anew(password: str) -> str:
    """The hash of a password that is in use, whatever would be said of it as a new one."""
    with _hashing():
        return _HASHER.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether a password has this hash; without a hash, the same work is done for nothing."""
    with _hashing():
        try:
            _HASHER.verify(stored if stored not in (None, NO_PASSWORD) else _nobodys(), _normal(password))
        except (Argon2Error, InvalidHashError, UnicodeError):
            return False
    return stored not in (None, NO_PASSWORD)


def needs_new_hash(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def prepare() -> None:
    """Make the hash that stands in for nobody's, so that the first stranger does not wait longer than others."""
    _nobodys()


def code_number(seed: str, code: str, last: int, now_s: float | None = None) -> int | None:
    """Number of the 30 s period that a TOTP code belongs to, None if it is wrong, too old, or was used already.

    Parameters
    ----------
    seed : str
        Base32.
    last : int
        Number of the newest period of which a code was used: neither it nor any before counts again.
    """
    now = int((time.time() if now_s is None else now_s) // _PERIOD_S)
    totp = pyotp.TOTP(seed, interval=_PERIOD_S)
    code = code.replace(" ", "")
    fits = [n for n in (now - 1, now, now + 1) if secrets.compare_digest(totp.generate_otp(n).encode(), code.encode())]
    return max((n for n in fits if n > last), default=None)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex())


def _normal(password: str) -> str:
    """One text for the same characters, whatever keyboard they were typed on."""
    return unicodedata.normalize("NFKC", password[:LONGEST])


@contextmanager
def _hashing() -> Iterator[None]:
    """A place for hashing; few at once, each takes 64 MiB and a while of a core."""
    if not _AT_ONCE.acquire(timeout=_WAIT_S):
        raise LimitError("too many passwords are being checked now", retry_after=_WAIT_S)
    try:
        yield
    finally:
        _AT_ONCE.release()
