"""The pass that the Door writes for a request it has let in: on whose behalf, signed, once, and soon over.

The Desk knows no keys, tokens or limits of its own. Whoever comes without a pass is refused, so it is no way round the
Door. A pass is bound to method, path, query and body; its key is derived from the key ring that both share.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from growthbench.base.errors import AccessError
from growthbench.store.callers import ROLES, Caller
from growthbench.store.keyring import Keyring, KeyringError

HEADER = b"x-gb-pass"
WINDOW_S = 30.0
"""How old a pass may be, and how far its time may be ahead."""

_PURPOSE = "pass to the desk"
_BUCKET_S = 10


class _Told(msgspec.Struct, array_like=True):
    key_id: str
    tenant: str
    kind: str
    caller_id: str
    role: str
    plan: str
    at: float
    once: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Told).decode


class PassOffice:
    """Writes passes, and checks them once each.

    Parameters
    ----------
    keyring : Keyring
    clock : callable, default ``time.time``
    """

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.time):
        self._keyring, self._clock, self._lock = keyring, clock, threading.Lock()
        self._seen: dict[int, set[str]] = {}

    def write(self, caller: Caller, method: str, target: str, body: bytes) -> bytes:
        """A pass for one request; ``target`` is path and query as they are sent."""
        key_id = self._keyring.key_ids[0]
        told = _Told(key_id, caller.tenant, caller.kind, caller.caller_id, caller.role, caller.plan,
                     self._clock(), secrets.token_hex(12))  # fmt: skip
        raw = base64.urlsafe_b64encode(_encode(told))
        return raw + b"." + self._signature(key_id, raw, method, target, body).encode()

    def check(self, given: bytes, method: str, target: str, body: bytes) -> Caller:
        """On whose behalf a request comes.

        Raises
        ------
        AccessError
            No pass of ours, not for this request, too old, or shown before.
        """
        raw, _, signature = given.partition(b".")
        try:
            told = _decode(base64.urlsafe_b64decode(raw))
            right = self._signature(told.key_id, raw, method, target, body)
        except (msgspec.MsgspecError, binascii.Error, UnicodeDecodeError, ValueError, KeyringError) as exc:
            raise AccessError("this is no pass of the Door") from exc
        if not hmac.compare_digest(right.encode(), signature) or told.role not in ROLES:
            raise AccessError("the pass is not for this request")
        self._once(told)
        return Caller(told.tenant, told.kind, told.caller_id, told.role, told.plan)

    def _once(self, told: _Told) -> None:
        now = self._clock()
        if abs(now - told.at) > WINDOW_S:
            raise AccessError(f"the pass was written more than {WINDOW_S:g} s away from now")
        bucket = int(told.at) // _BUCKET_S
        with self._lock:
            for old in [b for b in self._seen if (b + 1) * _BUCKET_S + WINDOW_S < now]:
                del self._seen[old]
            seen = self._seen.setdefault(bucket, set())
            if told.once in seen:
                raise AccessError("the pass was shown before")
            seen.add(told.once)

    def _signature(self, key_id: str, raw: bytes, method: str, target: str, body: bytes) -> str:
        told = b"\n".join((raw, method.encode(), target.encode("latin-1"), hashlib.sha256(body).hexdigest().encode()))
        return hmac.digest(self._keyring.derived(_PURPOSE, key_id), told, "sha256").hex()


class PassAuth:
    """The Desk's `Auth`: who shows a pass is who the pass says; nobody else is anybody.

    Parameters
    ----------
    office : PassOffice
    """

    def __init__(self, office: PassOffice):
        self._office = office

    def known(
        self, headers: Sequence[tuple[bytes, bytes]], method: str, path: str, raw_query: bytes, body: bytes, client: str
    ) -> Caller:
        """The caller that the pass names.

        Raises
        ------
        AccessError
        """
        given = next((value for name, value in headers if name == HEADER), None)
        if given is None:
            raise AccessError("the Desk answers the Door alone: ask there")
        return self._office.check(given, method, target(path, raw_query), body)


def target(path: str, raw_query: bytes) -> str:
    """Path and query as in the request line."""
    return f"{path}?{raw_query.decode('latin-1')}" if raw_query else path
