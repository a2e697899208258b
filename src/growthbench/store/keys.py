"""API keys: write keys may only send events, secret keys are what services use; both hashed, shown once."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.engine import Row

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import AccessError, BadInputError, ConflictError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.store.audit import Audit
from growthbench.store.callers import Caller
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.tenant_tables import api_keys, tenants
from growthbench.store.texts import UnknownChoiceError, checked_label, is_plain

PREFIXES = {"write": "gbw", "secret": "gbs"}
ROLES_OF_KINDS = {"write": "sender", "secret": "service"}
LONGEST_GRACE_S = 30 * 86_400

_TEXT = re.compile(r"gb([ws])_([0-9a-f]{24})_[A-Za-z0-9_-]{43}")
_UNKNOWN = "this key is not known, or no longer counts"


@dataclass(frozen=True)
class NewKey:
    """A key as it is shown once.

    Attributes
    ----------
    key : str
        ``gbw_ID_SECRET`` or ``gbs_ID_SECRET``; only its hash is kept.
    key_id, kind, label, tenant : str
    signing_secret : str
        Signs requests, for whoever does not want to send the key itself.
    """

    key: str
    key_id: str
    kind: str
    label: str
    tenant: str
    signing_secret: str

    def to_dict(self) -> dict[str, str]:
        """All of it, for the one who asked."""
        return asdict(self)


@dataclass(frozen=True)
class FoundKey:
    """A key that counts: on whose behalf, until when (UTC µs, None for ever), and its secret for signed requests."""

    caller: Caller
    until: int | None
    signing_secret: bytes


class Keys:
    """The keys of all tenants; whatever changes them is written into the audit in the same transaction.

    A key is 256 random bits, so a plain SHA-256 keeps it safe: slow hashing protects only what can be guessed.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    """

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring, self.audit = store, keyring, Audit(store)

    def create(self, tenant: str, kind: str, label: str = "", *, actor: str = "operator") -> NewKey:
        """Make a key.

        Raises
        ------
        UnknownChoiceError, BadInputError
            No such kind; the label is too long.
        NotFoundError
            No such tenant.
        """
        with self.store.writing() as connection:
            return self.create_in(connection, tenant, kind, label, actor=actor)

    def create_in(
        self,
        connection: Connection,
        tenant: str,
        kind: str,
        label: str = "",
        *,
        actor: str = "operator",
        replaces: str | None = None,
    ) -> NewKey:
        """The same inside a write transaction."""
        if kind not in PREFIXES:
            raise UnknownChoiceError("kind of key", kind, PREFIXES, field="kind")
        checked_label(label, "label", shortest=0)
        if connection.execute(select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant)).one_or_none() is None:
            raise NotFoundError(f"there is no tenant {tenant!r}")
        key_id = new_id("key").removeprefix("key_")
        text, signing = f"{PREFIXES[kind]}_{key_id}_{_fresh_secret()}", _fresh_secret()
        sealed = self.keyring.seal(signing.encode(), about_signing(tenant, key_id))
        row = {"tenant_id": tenant, "key_id": key_id, "kind": kind, "label": label, "hash": _hash(text),
               "signing": sealed, "created_at": now_us(), "replaces": replaces}  # fmt: skip
        connection.execute(insert(api_keys).values(**row))
        detail = {"kind": kind, "label": label} | ({"replaces": replaces} if replaces else {})
        self.audit.write(tenant, actor, "key.created", key_id, detail, connection)
        return NewKey(text, key_id, kind, label, tenant, signing)

    def rotate(self, tenant: str, key_id: str, grace_s: float = 86_400, *, actor: str = "operator") -> NewKey:
        """A new key of the same kind and label; the old one counts for ``grace_s`` seconds more.

        Raises
        ------
        NotFoundError
            The tenant has no such key.
        ConflictError
            It was revoked or rotated already.
        """
        if not 0 <= grace_s <= LONGEST_GRACE_S:
            raise BadInputError(f"grace_s must be from 0 to {LONGEST_GRACE_S} s, found {grace_s}", field="grace_s")
        with self.store.writing() as connection:
            old = _locked_row(connection, tenant, key_id)
            if old.revoked_at is not None:
                raise ConflictError(f"key {key_id} was revoked or rotated already")
            _end(connection, tenant, key_id, now_us() + int(grace_s * SECOND_US))
            new = self.create_in(connection, tenant, old.kind, old.label, actor=actor, replaces=key_id)
            self.audit.write(tenant, actor, "key.rotated", key_id, {"grace_s": grace_s}, connection)
        return new

    def revoke(self, tenant: str, key_id: str, *, actor: str = "operator") -> None:
        """End a key now; revoking it again changes nothing. NotFoundError if the tenant has no such key."""
        with self.store.writing() as connection:
            now, old = now_us(), _locked_row(connection, tenant, key_id)
            if old.revoked_at is None or old.revoked_at > now:
                _end(connection, tenant, key_id, now)
                self.audit.write(tenant, actor, "key.revoked", key_id, {}, connection)

    def list(self, tenant: str) -> list[dict]:
        """A tenant's keys, the oldest first, without what is secret."""
        columns = (api_keys.c.key_id, api_keys.c.kind, api_keys.c.label, api_keys.c.created_at, api_keys.c.revoked_at,
                   api_keys.c.replaces)  # fmt: skip
        query = select(*columns).where(api_keys.c.tenant_id == tenant).order_by(api_keys.c.key_id)
        with self.store.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def find(self, key_text: str) -> Caller:
        """On whose behalf a key is given; AccessError if it does not count."""
        return self.look(key_text).caller

    def look(self, key_text: str) -> FoundKey:
        """A key by its text.

        Raises
        ------
        AccessError
            No key, unknown, or no longer counting: all in the same words.
        """
        if (parts := _TEXT.fullmatch(key_text)) is None:
            raise AccessError("this is not a key; keys begin with gbw_ or gbs_")
        row = self._row(parts[2])
        if row is None or not hmac.compare_digest(row.hash, _hash(key_text)):
            raise AccessError(_UNKNOWN)
        return self._found(row)

    def look_by_id(self, key_id: str) -> FoundKey:
        """A key by its id, for requests that prove they have it by a signature; AccessError if it does not count."""
        if not is_plain(key_id) or (row := self._row(key_id)) is None:
            raise AccessError(_UNKNOWN)
        return self._found(row)

    def _row(self, key_id: str) -> Row | None:
        query = select(api_keys, tenants.c.plan).join(tenants, tenants.c.tenant_id == api_keys.c.tenant_id)
        still = or_(api_keys.c.revoked_at.is_(None), api_keys.c.revoked_at > now_us())
        with self.store.reading() as connection:
            return connection.execute(query.where(api_keys.c.key_id == key_id, still)).one_or_none()

    def _found(self, row: Row) -> FoundKey:
        caller = Caller(row.tenant_id, "key", row.key_id, ROLES_OF_KINDS[row.kind], row.plan)
        secret = self.keyring.unseal(row.signing, about_signing(row.tenant_id, row.key_id))
        return FoundKey(caller, row.revoked_at, secret)


def about_signing(tenant: str, key_id: str) -> bytes:
    """What the seal of a key's signing secret is about: needed to seal it anew after a rotation of the key ring."""
    return f"api_keys.signing/{tenant}/{key_id}".encode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _fresh_secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def _locked_row(connection: Connection, tenant: str, key_id: str) -> Row:
    query = select(api_keys).where(api_keys.c.tenant_id == tenant, api_keys.c.key_id == key_id).with_for_update()
    if not is_plain(key_id) or (row := connection.execute(query).one_or_none()) is None:
        raise NotFoundError(f"there is no key {key_id!r}")
    return row


def _end(connection: Connection, tenant: str, key_id: str, at: int) -> None:
    mine = (api_keys.c.tenant_id == tenant, api_keys.c.key_id == key_id)
    connection.execute(update(api_keys).where(*mine).values(revoked_at=at))
