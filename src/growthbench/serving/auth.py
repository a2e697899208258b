"""Who asks: known from memory for as long as a second or two, then asked of the store again."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import AccessError, NotFoundError, NotReadyError
from growthbench.serving.credentials import Signature, Signatures, read_credential
from growthbench.serving.nearby import is_nearby
from growthbench.store.callers import Caller
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import PREFIXES, Keys
from growthbench.store.tenants import Tenants
from growthbench.store.tokens import Tokens

REFRESH_S = 0.8
FRESH_S = 1.8
"""How long memory is trusted: what is revoked counts no more after this, in every worker."""
STALE_S = 300.0
"""How long it is trusted while the store is away: nobody can revoke anything there either."""

_REFUSED_S = 1.0
_AWAY_S = 1.0
_MOST = 10_000
_HASHED_AT_ONCE = 65_536
_KEYS = tuple(f"{prefix}_" for prefix in PREFIXES.values())
_NEARBY = b"nearby"
_log = logging.getLogger("growthbench.serving")


class Auth:
    """Knows callers by what they show.

    Whoever is asked for often is looked up again in the background before memory is too old, so that hardly a request
    waits for the store. Memory holds digests of keys and tokens, never themselves.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    tenants : Tenants
    open_to_local : bool, default False
        Whether callers at this machine are let in without a key, as admins of ``local_tenant``.
    local_tenant : str, default ``local``
    clock : callable, default ``time.monotonic``
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        tenants: Tenants,
        open_to_local: bool = False,
        local_tenant: str = "local",
        clock: Callable[[], float] = time.monotonic,
    ):
        self._keys, self._tokens, self._tenants = Keys(store, keyring), Tokens(store, keyring), tenants
        self._open_to_local, self._local_tenant, self._clock = open_to_local, local_tenant, clock
        self._signatures = Signatures()
        self._entries: dict[bytes, _Entry] = {}
        self._refused: dict[bytes, float] = {}
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def known(
        self,
        headers: list[tuple[bytes, bytes]],
        method: str,
        path: str,
        raw_query: bytes,
        body: bytes,
        client: str,
    ) -> Caller | None:
        """On whose behalf a request comes, if memory is enough to know: no I/O.

        Parameters
        ----------
        headers : list of (bytes, bytes)
            Names in lower case.
        method, path, raw_query, body
            As received: what a signature is about.
        client : str
            Address of the peer.

        Returns
        -------
        Caller or None
            None: only `ask` can tell.

        Raises
        ------
        AccessError
            Nobody we know.
        """
        credential = read_credential(headers)
        if type(credential) is str:
            entry = self._remembered(_digest(credential), credential)
            return None if entry is None else entry.caller
        if credential is None:
            self._check_nearby(headers, client)
            entry = self._remembered(_NEARBY, None)
            return None if entry is None else entry.caller
        entry = self._remembered(_signers(credential), credential)
        if entry is None or len(body) > _HASHED_AT_ONCE:  # a long body is hashed in a thread
            return None
        self._signatures.check(credential, entry.secret, method, path, raw_query, body)
        return entry.caller

    def ask(
        self,
        headers: list[tuple[bytes, bytes]],
        method: str,
        path: str,
        raw_query: bytes,
        body: bytes,
        client: str,
    ) -> Caller:
        """The same, asking the store if needed.

        Raises
        ------
        AccessError
            Nobody we know.
        NotReadyError
            The store is away, and memory does not know either.
        """
        credential = read_credential(headers)
        if type(credential) is str:
            return self._asked(_digest(credential), credential).caller
        if credential is None:
            self._check_nearby(headers, client)
            return self._asked(_NEARBY, None).caller
        entry = self._asked(_signers(credential), credential)
        self._signatures.check(credential, entry.secret, method, path, raw_query, body)
        return entry.caller

    def forget(self) -> None:
        """Ask the store anew for everybody: something was changed here, and is to be followed at once."""
        self._entries.clear()
        self._refused.clear()

    def close(self) -> None:
        """Stop looking up in the background."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _remembered(self, digest: bytes, credential: "str | Signature | None") -> "_Entry | None":
        now = self._clock()
        entry = self._entries.get(digest)
        if entry is None:
            if (until := self._refused.get(digest)) is not None and now < until:
                raise AccessError(_REFUSED)
            return None
        if now >= entry.ends:
            return None
        if now < entry.fresh_until:
            if now >= entry.refresh_at and not entry.refreshing:
                entry.refreshing = True
                self._in_background(digest, credential)
            return entry
        return entry if now < self._away_until and now < entry.stale_until else None

    def _asked(self, digest: bytes, credential: "str | Signature | None") -> "_Entry":
        """An entry, from memory or the store."""
        if (entry := self._remembered(digest, credential)) is not None:
            return entry
        try:
            return self._looked_up(digest, credential)
        except AccessError:
            self._entries.pop(digest, None)
            self._make_room(self._refused)
            self._refused[digest] = self._clock() + _REFUSED_S
            raise
        except SQLAlchemyError as exc:
            now, entry = self._clock(), self._entries.get(digest)
            self._away_until = now + _AWAY_S
            if entry is not None and now < min(entry.stale_until, entry.ends):
                return entry
            raise NotReadyError("the store cannot be reached now, so nobody new can be known") from exc

    def _looked_up(self, digest: bytes, credential: "str | Signature | None") -> "_Entry":
        entry = self._look(credential)
        self._make_room(self._entries)
        self._entries[digest] = entry
        return entry

    def _look(self, credential: "str | Signature | None") -> "_Entry":
        """Ask the store; what was seen before asking counts as its moment."""
        now = self._clock()
        if credential is None:
            return _Entry(self._local(), now, None)
        if isinstance(credential, Signature):
            found = self._keys.look_by_id(credential.key_id)
            return _Entry(found.caller, now, found.until, found.signing_secret)
        if credential.startswith(_KEYS):
            found = self._keys.look(credential)
            return _Entry(found.caller, now, found.until)
        found = self._tokens.verify(credential)
        return _Entry(found.caller, now, found.until)

    def _local(self) -> Caller:
        try:
            plan = self._tenants.get(self._local_tenant).plan
        except NotFoundError as exc:
            raise AccessError(str(exc)) from exc
        return Caller(self._local_tenant, "local", "local", "admin", plan)

    def _in_background(self, digest: bytes, credential: "str | Signature | None") -> None:
        if self._pool is None:
            with self._lock:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(1, "growthbench-auth")
        self._pool.submit(self._refresh, digest, credential)

    def _refresh(self, digest: bytes, credential: "str | Signature | None") -> None:
        try:
            self._looked_up(digest, credential)
        except AccessError:
            self._entries.pop(digest, None)
        except SQLAlchemyError as exc:
            # It stays as old as it is: whoever comes after its time asks, and learns that the store is away.
            _log.warning("the store did not say whether somebody still counts: %s", exc.__class__.__name__)
        except Exception:
            _log.exception("looking somebody up failed")

    def _check_nearby(self, headers: list[tuple[bytes, bytes]], client: str) -> None:
        if not self._open_to_local or not is_nearby(headers, client):
            raise AccessError("a key or token is needed: Authorization: Bearer KEY")

    def _make_room(self, kept: dict) -> None:
        if len(kept) >= _MOST:
            kept.clear()


class _Entry:
    """Somebody who was looked up: trusted for a while, and never beyond the end of what they showed."""

    __slots__ = ("caller", "ends", "fresh_until", "refresh_at", "refreshing", "secret", "stale_until")

    def __init__(self, caller: Caller, now: float, until: int | None, secret: bytes = b""):
        self.caller, self.secret, self.refreshing = caller, secret, False
        self.ends = float("inf") if until is None else now + (until - now_us()) / SECOND_US
        self.refresh_at, self.fresh_until, self.stale_until = now + REFRESH_S, now + FRESH_S, now + STALE_S


_REFUSED = "this key or token is not known, or no longer counts"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("latin-1")).digest()


def _signers(credential: Signature) -> bytes:
    """Where a signer is remembered: nowhere that a text shown as a key could lead, for a key's id is no secret."""
    return _digest(credential.key_id) + b" signs"
