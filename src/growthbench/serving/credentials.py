"""What a caller shows: a key, a token or a signature, read from the headers of a request."""

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from growthbench.base.errors import AccessError, LimitError

WINDOW_S = 300
"""How far the timestamp of a signed request may be from now."""
MOST_SIGNATURES = 500_000
"""Signatures of one worker that are remembered until they expire; more requests than that are refused."""

_LONGEST = 4_096
_BUCKET_S = 60


class Signature(NamedTuple):
    """The three headers of a signed request."""

    key_id: str
    timestamp: str
    signature: str


def read_credential(headers: list[tuple[bytes, bytes]]) -> str | Signature | None:
    """The key, token or signature in the headers (names in lower case); None if there is none.

    A signature counts before ``Authorization`` (``Bearer``, or ``Basic`` with the key as user name, as Segment's
    clients send it), and that before ``x-api-key``.

    Raises
    ------
    AccessError
        There is something that cannot be read.
    """
    authorization = api_key = key_id = timestamp = signature = None
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"x-api-key":
            api_key = value
        elif name == b"x-gb-signature":
            signature = value
        elif name == b"x-gb-key-id":
            key_id = value
        elif name == b"x-gb-timestamp":
            timestamp = value
    if signature is not None or key_id is not None:
        if signature is None or key_id is None or timestamp is None:
            raise AccessError("a signed request has the headers x-gb-key-id, x-gb-timestamp and x-gb-signature")
        return Signature(key_id.decode("latin-1"), timestamp.decode("latin-1"), signature.decode("latin-1"))
    if authorization is None:
        return None if api_key is None else _short(api_key).decode("latin-1")
    scheme, _, rest = _short(authorization).partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return rest.strip().decode("latin-1")
    if scheme != b"basic":
        raise AccessError("Authorization must be Bearer with a key or token, or Basic with a key as user name")
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[0].decode("latin-1")
    except (binascii.Error, ValueError) as exc:
        raise AccessError("Authorization: Basic is not base64") from exc


def _short(value: bytes) -> bytes:
    if len(value) > _LONGEST:
        raise AccessError("this is no key or token: it is too long")
    return value


def sign(secret: bytes, timestamp: str, method: str, path: str, raw_query: bytes, body: bytes) -> str:
    """The signature of a request: hex HMAC-SHA256 over timestamp, method, path with query, and the body's SHA-256.

    Parameters
    ----------
    secret : bytes
        The key's signing secret.
    timestamp : str
        Seconds since 1970.
    path : str
        As it stands in the request line, still quoted.
    body : bytes
        As it is sent, zipped if it is.
    """
    target = f"{path}?{raw_query.decode('latin-1')}" if raw_query else path
    told = f"{timestamp}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.digest(secret, told.encode("latin-1", "replace"), "sha256").hex()


class Signatures:
    """Checks signed requests and remembers them, so that none counts twice.

    Each worker remembers its own: within the window a copied request could be played once to each other worker. Bodies
    that must not count twice carry ids that make them idempotent (``messageId``).

    Parameters
    ----------
    clock : callable, default ``time.time``
    """

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock, self._lock = clock, threading.Lock()
        self._seen: dict[int, set[bytes]] = {}  # by the minute of their timestamps: forgotten minute by minute

    def check(self, given: Signature, secret: bytes, method: str, path: str, raw_query: bytes, body: bytes) -> None:
        """Let a request pass once.

        Raises
        ------
        AccessError
            Not signed by this secret, too old or too far ahead, or seen before.
        """
        now, stamp = self._clock(), given.timestamp
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise AccessError("x-gb-timestamp must be whole seconds since 1970")
        if abs(now - int(stamp)) > WINDOW_S:
            raise AccessError(f"the request was signed more than {WINDOW_S} s away from now")
        right = sign(secret, stamp, method, path, raw_query, body)
        if not hmac.compare_digest(right.encode(), given.signature.lower().encode("latin-1", "replace")):
            raise AccessError("the signature does not fit the request")
        mark, minute = bytes.fromhex(right)[:16], int(stamp) // _BUCKET_S
        with self._lock:
            seen = self._seen.get(minute)
            if seen is None:
                self._forget(now)
                seen = self._seen.setdefault(minute, set())
            if mark in seen:
                raise AccessError("this signed request was answered before")
            if len(seen) >= MOST_SIGNATURES * _BUCKET_S // (2 * WINDOW_S):
                raise LimitError("too many signed requests in a minute", retry_after=_BUCKET_S)
            seen.add(mark)

    def _forget(self, now: float) -> None:
        for minute in [m for m in self._seen if (m + 1) * _BUCKET_S + WINDOW_S < now]:
            del self._seen[minute]
