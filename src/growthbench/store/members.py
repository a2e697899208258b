"""Members: the people who work with a tenant's data, their passwords and second factors."""

import re
from typing import Any, NoReturn

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.engine import Row

from growthbench.base.clock import now_us
from growthbench.base.errors import AccessError, BadInputError, ConflictError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.store.attempts import Attempts
from growthbench.store.audit import Audit
from growthbench.store.callers import Caller
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.passwords import NO_PASSWORD, hashed, hashed_anew, matches, needs_new_hash, prepare
from growthbench.store.second_factor import SecondFactor
from growthbench.store.tenant_tables import members, tenants
from growthbench.store.texts import UnknownChoiceError, checked_label, is_plain
from growthbench.store.tokens import Tokens

ROLES_OF_PEOPLE = ("admin", "marketer", "analyst", "service", "viewer")

_EMAIL = re.compile(r"[^@\s\"<>()]{1,64}@[^@\s\"<>()]{1,189}")
_TOLD = ("member_id", "email", "name", "role", "team", "created_at", "changed_at", "disabled_at", "last_login")


class Members:
    """The members of all tenants; whatever changes them is written into the audit in the same transaction.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    """

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring = store, keyring
        self.audit, self.tokens, self.attempts = Audit(store), Tokens(store, keyring), Attempts(store, keyring)

    def create(
        self,
        tenant: str,
        email: str,
        name: str,
        role: str,
        password: str | None = None,
        team: str | None = None,
        *,
        actor: str = "operator",
    ) -> dict[str, Any]:
        """Add a member; without a password they cannot log in until one is set.

        Raises
        ------
        NotFoundError
            No such tenant.
        ConflictError
            The tenant has a member of this e-mail address.
        UnknownChoiceError, BadInputError
            No such role; an address, name or password that cannot be; ``field`` names it.
        """
        row = self.checked(email, name, role, password, team)
        member_id, now = new_id("member"), now_us()
        with self.store.writing() as connection:
            _lock_tenant(connection, tenant)
            if _row_by_email(connection, tenant, row["email"]) is not None:
                raise ConflictError("there is a member of this e-mail address already")
            row |= {"tenant_id": tenant, "member_id": member_id, "created_at": now, "changed_at": now}
            connection.execute(insert(members).values(**row))
            self.audit.write(tenant, actor, "member.created", member_id, {"role": role}, connection)
            return self._told(_row(connection, tenant, member_id))

    @staticmethod
    def checked(
        email: str, name: str, role: str, password: str | None = None, team: str | None = None
    ) -> dict[str, Any]:
        """What a member's row is made of; BadInputError if a part of it cannot be."""
        email = _checked_email(email)
        return {"email": email, "name": checked_label(name, "name"), "role": _checked_role(role), "team": _team(team),
                "password": NO_PASSWORD if password is None else hashed(password, email)}  # fmt: skip

    def get(self, tenant: str, member_id: str) -> dict[str, Any]:
        """One member, without what is secret; NotFoundError if the tenant has none of this id."""
        with self.store.reading() as connection:
            return self._told(_row(connection, tenant, member_id))

    def find(self, tenant: str, email: str) -> dict[str, Any]:
        """One member by e-mail address; NotFoundError if the tenant has none."""
        with self.store.reading() as connection:
            row = _row_by_email(connection, tenant, email.strip().lower())
        if row is None:
            raise NotFoundError("there is no member of this e-mail address")
        return self._told(row)

    def list(self, tenant: str) -> list[dict[str, Any]]:
        """A tenant's members, the oldest first, without what is secret."""
        query = select(members).where(members.c.tenant_id == tenant).order_by(members.c.member_id)
        with self.store.reading() as connection:
            return [self._told(row) for row in connection.execute(query)]

    def update(self, tenant: str, member_id: str, *, actor: str = "operator", **changes: Any) -> dict[str, Any]:
        """Change ``name``, ``role``, ``team`` or ``disabled`` (a bool); a disabled member's tokens end.

        Raises
        ------
        NotFoundError
            The tenant has no such member.
        ConflictError
            Nobody would be left to administer the tenant.
        UnknownChoiceError, BadInputError
            As `create`.
        """
        checks = {"name": lambda v: checked_label(v, "name"), "role": _checked_role, "team": _team, "disabled": bool}
        if unknown := sorted(set(changes) - set(checks)):
            raise UnknownChoiceError("setting of a member", unknown[0], checks, field=unknown[0])
        stored = {name: checks[name](value) for name, value in changes.items()}
        with self.store.writing() as connection:
            _lock_tenant(connection, tenant)
            old = _row(connection, tenant, member_id, lock=True)
            if (disabled := stored.pop("disabled", None)) is not None:
                stored["disabled_at"] = (old.disabled_at or now_us()) if disabled else None
            _check_an_admin_stays(connection, old, {**old._mapping, **stored})
            _change(connection, old, **stored)
            if disabled:
                self.tokens.revoke_all_in(connection, tenant, "member", member_id)
            # Names and teams are personal data: the audit tells only that they changed.
            told = {n: changes[n] for n in ("role", "disabled") if n in changes} | {"changed": sorted(changes)}
            self.audit.write(tenant, actor, "member.changed", member_id, told, connection)
            return self._told(_row(connection, tenant, member_id))

    def set_password(self, tenant: str, member_id: str, password: str, *, actor: str = "operator") -> None:
        """Set a password; all tokens of the member end.

        Raises
        ------
        NotFoundError, BadInputError
            No such member; a password that cannot be.
        """
        stored = hashed(password, self.get(tenant, member_id)["email"])
        with self.store.writing() as connection:
            row = _row(connection, tenant, member_id, lock=True)
            _change(connection, row, password=stored)
            self.tokens.revoke_all_in(connection, tenant, "member", member_id)
            self.attempts.forget(connection, tenant, row.email)
            self.audit.write(tenant, actor, "member.password", member_id, {}, connection)

    def change_password(self, tenant: str, member_id: str, old: str, new: str) -> None:
        """Let a member change their own password; AccessError if the old one is wrong, counted as a failed login."""
        with self.store.reading() as connection:
            row = _row(connection, tenant, member_id)
        self.attempts.take(tenant, row.email)
        if not matches(row.password, old):
            self._refuse(row)
        self.attempts.give_back(tenant, row.email)
        self.set_password(tenant, member_id, new, actor=member_id)

    def enable_totp(self, tenant: str, member_id: str, *, actor: str = "operator") -> str:
        """Give a member a seed for codes; it counts once `confirm_totp` has seen one.

        Returns
        -------
        str
            The ``otpauth://`` address to be shown as a QR code, once.

        Raises
        ------
        ConflictError
            A second factor is on already.
        """
        fresh = SecondFactor.fresh()
        with self.store.writing() as connection:
            row = _row(connection, tenant, member_id, lock=True)
            if (known := SecondFactor.of(row, self.keyring)) and known.on:
                raise ConflictError("a second factor is on already: an admin can switch it off")
            _change(connection, row, totp=fresh.sealed(row, self.keyring))
            self.audit.write(tenant, actor, "member.totp.begun", member_id, {}, connection)
        return fresh.address(row.email)

    def confirm_totp(self, tenant: str, member_id: str, code: str) -> None:
        """Switch the second factor on with its first code; AccessError if the code is wrong, counted as a login."""
        self.attempts.take(tenant, email := self.get(tenant, member_id)["email"])
        with self.store.writing() as connection:
            row = _row(connection, tenant, member_id, lock=True)
            if (known := SecondFactor.of(row, self.keyring)) is None or known.on:
                raise ConflictError("no second factor waits for its first code")
            if (used := known.used(code)) is None:
                raise AccessError("the code is wrong")
            _change(connection, row, totp=used.sealed(row, self.keyring))
            self.attempts.forget(connection, tenant, email)
            self.audit.write(tenant, member_id, "member.totp.on", member_id, {}, connection)

    def disable_totp(self, tenant: str, member_id: str, *, actor: str = "operator") -> None:
        """Take the second factor away, for whoever lost it; all tokens of the member end."""
        with self.store.writing() as connection:
            row = _row(connection, tenant, member_id, lock=True)
            _change(connection, row, totp=None)
            self.tokens.revoke_all_in(connection, tenant, "member", member_id)
            self.audit.write(tenant, actor, "member.totp.off", member_id, {}, connection)

    def login(self, tenant: str, email: str, password: str, code: str | None = None) -> dict[str, Any]:
        """Let a member in.

        The answer to a wrong password takes as long as that to an address nobody has, and says the same.

        Returns
        -------
        dict
            As `Tokens.session`.

        Raises
        ------
        AccessError
            Something is wrong, or the code of the second factor is missing.
        LimitError
            Too many logins of this address failed.
        """
        prepare()
        email = email.strip().lower()
        self.attempts.take(tenant, email)
        with self.store.reading() as connection:
            row = _row_by_email(connection, tenant, email)
        if not matches(row.password if row is not None else None, password) or row.disabled_at is not None:
            self._refuse(row)
        if code is None and (factor := SecondFactor.of(row, self.keyring)) and factor.on:
            self.attempts.give_back(tenant, email)  # half way in: no failure, yet guesses of codes stay counted
            raise AccessError("a code of the second factor is needed")
        with self.store.writing() as connection:
            checked, row = row, _row(connection, tenant, row.member_id, lock=True)
            # Read again under a lock: a code counts once, also when it comes twice at the same moment.
            if row.disabled_at is None and row.password == checked.password and self._use_code(connection, row, code):
                return self._let_in(connection, row, password)
        self._refuse(row)

    def _let_in(self, connection: Connection, row: Row, password: str) -> dict[str, Any]:
        changes = {"password": hashed_anew(password)} if needs_new_hash(row.password) else {}
        _change(connection, row, last_login=now_us(), **changes)
        self.attempts.forget(connection, row.tenant_id, row.email)
        self.audit.write(row.tenant_id, row.member_id, "member.login", row.member_id, {}, connection)
        return self.tokens.session(Caller(row.tenant_id, "member", row.member_id, row.role))

    def _use_code(self, connection: Connection, row: Row, code: str | None) -> bool:
        """Whether the second factor is satisfied."""
        if (known := SecondFactor.of(row, self.keyring)) is None or not known.on:
            return True
        if (used := known.used(code or "")) is None:
            return False
        _change(connection, row, totp=used.sealed(row, self.keyring))
        return True

    def _refuse(self, row: Row | None) -> NoReturn:
        if row is not None:
            self.audit.write(row.tenant_id, row.member_id, "member.login.failed", row.member_id, {})
        else:
            self.attempts.count_stranger()
        raise AccessError("e-mail, password or code is wrong")

    def _told(self, row: Row) -> dict[str, Any]:
        factor = SecondFactor.of(row, self.keyring)
        told = {name: getattr(row, name) for name in _TOLD}
        told["second_factor"] = "none" if factor is None else "on" if factor.on else "waiting"
        return told | {"has_password": row.password != NO_PASSWORD}


def _lock_tenant(connection: Connection, tenant: str) -> None:
    """Of one tenant only one transaction changes who is a member and in which role."""
    query = select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant).with_for_update()
    if connection.execute(query).one_or_none() is None:
        raise NotFoundError(f"there is no tenant {tenant!r}")


def _row(connection: Connection, tenant: str, member_id: str, lock: bool = False) -> Row:
    query = select(members).where(members.c.tenant_id == tenant, members.c.member_id == member_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none() if is_plain(member_id) else None
    if row is None:
        raise NotFoundError(f"there is no member {member_id!r}")
    return row


def _row_by_email(connection: Connection, tenant: str, email: str) -> Row | None:
    if not (is_plain(tenant) and is_plain(email)):
        return None
    query = select(members).where(members.c.tenant_id == tenant, members.c.email == email)
    return connection.execute(query).one_or_none()


def _change(connection: Connection, row: Row, **changes: Any) -> None:
    mine = (members.c.tenant_id == row.tenant_id, members.c.member_id == row.member_id)
    connection.execute(update(members).where(*mine).values(**changes, changed_at=now_us()))


def _check_an_admin_stays(connection: Connection, old: Row, new: dict[str, Any]) -> None:
    """Refuse to lose a tenant's last admin; the tenant is locked."""
    if old.role != "admin" or old.disabled_at is not None or (new["role"] == "admin" and new["disabled_at"] is None):
        return
    admins = (members.c.tenant_id == old.tenant_id, members.c.role == "admin", members.c.disabled_at.is_(None))
    if set(connection.execute(select(members.c.member_id).where(*admins)).scalars()) == {old.member_id}:
        raise ConflictError("this is the tenant's last admin: make another one first")


def _checked_email(email: str) -> str:
    email = checked_label(email, "email", 254).strip().lower()
    if not _EMAIL.fullmatch(email):
        raise BadInputError(f"{email!r} is no e-mail address", field="email")
    return email


def _checked_role(role: str) -> str:
    if role not in ROLES_OF_PEOPLE:
        raise UnknownChoiceError("role", role, ROLES_OF_PEOPLE, field="role")
    return role


def _team(team: str | None) -> str | None:
    return None if team is None else checked_label(team, "team")
