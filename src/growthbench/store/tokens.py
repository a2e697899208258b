"""Tokens: short-lived JWTs for people, and for services that trade their key for one; revoked ones are listed."""

from dataclasses import dataclass
from typing import Any

import jwt
from sqlalchemy import Connection, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import AccessError
from growthbench.base.ids import new_id
from growthbench.store.callers import Caller
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring, KeyringError
from growthbench.store.keys import ROLES_OF_KINDS
from growthbench.store.tenant_tables import api_keys, members, revoked_tokens, tenants

ALGORITHM = "HS256"  # the only one, whatever a token says of itself
ACCESS_S = 900
REFRESH_S = 14 * 86_400
SESSION_S = 30 * 86_400
"""After so many seconds one must log in again, however often the session was refreshed."""

_ISSUER = "growthbench"
_NEEDED = ["iss", "aud", "sub", "iat", "exp", "jti"]
_REFUSED = "this token is not valid, or no longer counts"


@dataclass(frozen=True)
class FoundToken:
    """A token that counts: on whose behalf, its id, until when; and when its session began (all UTC µs)."""

    caller: Caller
    token_id: str
    until: int
    session_began: int


class Tokens:
    """Tokens of all tenants, signed with a key derived from the key ring; they name it, and so outlive its rotation.

    A token says who its bearer is; what they may do is read from the store, so a changed role counts at once.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    """

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring = store, keyring
        self._insert = (postgresql if store.dialect == "postgresql" else sqlite).insert

    def issue(self, caller: Caller, lifetime_s: float = ACCESS_S) -> str:
        """A token that lets its bearer act as the caller."""
        return self._signed(caller, "access", lifetime_s, now_us())

    def session(self, caller: Caller, began: int | None = None) -> dict[str, Any]:
        """What a login answers: ``access_token``, ``refresh_token``, ``token_type`` and ``expires_in`` (s)."""
        began = now_us() if began is None else began
        refresh_s = min(REFRESH_S, (began - now_us()) / SECOND_US + SESSION_S)
        return {
            "access_token": self.issue(caller),
            "refresh_token": self._signed(caller, "refresh", refresh_s, began),
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
        }

    def verify(self, token: str) -> FoundToken:
        """On whose behalf an access token is given, as of now.

        Raises
        ------
        AccessError
            Altered, expired, revoked, of another use; or its member or key no longer counts.
        """
        claims = self._claims(token, "access")
        with self.store.reading() as connection:
            if _is_revoked(connection, claims):
                raise AccessError(_REFUSED)
            return self._found(connection, claims)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """Trade a refresh token, once, for a new session answer.

        One that comes a second time was copied by somebody: everything of its member is revoked then.
        """
        claims = self._claims(refresh_token, "refresh")
        with self.store.writing() as connection:
            copied = _is_revoked(connection, claims) or not self._revoke(connection, claims)
            if copied:
                self.revoke_all_in(connection, claims["ten"], claims["kin"], claims["sub"])
            else:
                found = self._found(connection, claims)
        if copied:
            raise AccessError(_REFUSED)
        return self.session(found.caller, found.session_began)

    def revoke(self, token: str, use: str = "access") -> Caller | None:
        """Revoke one token; one that does not count anyway is left alone. Returns who logged out."""
        try:
            claims = self._claims(token, use)
        except AccessError:
            return None
        with self.store.writing() as connection:
            if _is_revoked(connection, claims) or not self._revoke(connection, claims):
                return None
        return Caller(claims["ten"], claims["kin"], claims["sub"], "nobody")

    def revoke_all_in(self, connection: Connection, tenant: str, kind: str, caller_id: str) -> None:
        """Revoke everything issued so far to a member or key, inside a write transaction."""
        until = now_us() + REFRESH_S * SECOND_US
        row = {"tenant_id": tenant, "token_id": f"{kind}:{caller_id}", "until": until}
        statement = self._insert(revoked_tokens).values(**row)
        later = case((revoked_tokens.c.until > until, revoked_tokens.c.until), else_=until)
        keys = [revoked_tokens.c.tenant_id, revoked_tokens.c.token_id]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"until": later}))

    def _signed(self, caller: Caller, use: str, lifetime_s: float, session_began: int) -> str:
        now, key_id = now_us(), self.keyring.key_ids[0]
        claims = {
            "iss": _ISSUER, "aud": use, "sub": caller.caller_id, "jti": new_id("tok"),
            "iat": now // SECOND_US, "exp": int(now / SECOND_US + lifetime_s), "at": now,
            "ten": caller.tenant, "kin": caller.kind, "ses": session_began,
        }  # fmt: skip
        return jwt.encode(claims, self.keyring.derived("tokens", key_id), ALGORITHM, headers={"kid": key_id})

    def _claims(self, token: str, use: str) -> dict[str, Any]:
        """What a token says, once its signature, use and lifetime are checked."""
        try:
            key = self.keyring.derived("tokens", str(jwt.get_unverified_header(token)["kid"]))
            options = {"require": _NEEDED, "strict_aud": True}
            return jwt.decode(token, key, [ALGORITHM], options, audience=use, issuer=_ISSUER)
        except (jwt.PyJWTError, KeyringError, KeyError, UnicodeError) as exc:
            raise AccessError(_REFUSED) from exc

    def _found(self, connection: Connection, claims: dict[str, Any]) -> FoundToken:
        subject = _member if claims["kin"] == "member" else _key
        role, plan = subject(connection, claims["ten"], claims["sub"])
        caller = Caller(claims["ten"], claims["kin"], claims["sub"], role, plan)
        return FoundToken(caller, claims["jti"], claims["exp"] * SECOND_US, claims["ses"])

    def _revoke(self, connection: Connection, claims: dict[str, Any]) -> bool:
        """List a token as revoked; False if it is there."""
        connection.execute(delete(revoked_tokens).where(
            revoked_tokens.c.tenant_id == claims["ten"], revoked_tokens.c.until < now_us()))  # fmt: skip
        row = {"tenant_id": claims["ten"], "token_id": claims["jti"], "until": (claims["exp"] + 1) * SECOND_US}
        statement = self._insert(revoked_tokens).values(**row).on_conflict_do_nothing()
        return connection.execute(statement.returning(revoked_tokens.c.token_id)).one_or_none() is not None


def _is_revoked(connection: Connection, claims: dict[str, Any]) -> bool:
    names = (claims["jti"], f"{claims['kin']}:{claims['sub']}")
    mine = (revoked_tokens.c.tenant_id == claims["ten"], revoked_tokens.c.token_id.in_(names))
    rows = connection.execute(select(revoked_tokens.c.token_id, revoked_tokens.c.until).where(*mine)).all()
    return any(r.token_id == claims["jti"] or claims["at"] <= r.until - REFRESH_S * SECOND_US for r in rows)


def _member(connection: Connection, tenant: str, member_id: str) -> tuple[str, str]:
    query = select(members.c.role, tenants.c.plan).join(tenants, tenants.c.tenant_id == members.c.tenant_id)
    mine = (members.c.tenant_id == tenant, members.c.member_id == member_id, members.c.disabled_at.is_(None))
    if (row := connection.execute(query.where(*mine)).one_or_none()) is None:
        raise AccessError(_REFUSED)
    return row.role, row.plan


def _key(connection: Connection, tenant: str, key_id: str) -> tuple[str, str]:
    columns = (api_keys.c.kind, api_keys.c.revoked_at, tenants.c.plan)
    query = select(*columns).join(tenants, tenants.c.tenant_id == api_keys.c.tenant_id)
    mine = (api_keys.c.tenant_id == tenant, api_keys.c.key_id == key_id)
    row = connection.execute(query.where(*mine)).one_or_none()
    if row is None or (row.revoked_at is not None and row.revoked_at <= now_us()):
        raise AccessError(_REFUSED)
    return ROLES_OF_KINDS[row.kind], row.plan
