"""Sessions over HTTP: log in, refresh, log out, second factor, password; and a key traded for a token (OAuth 2.0)."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from growthbench.base.errors import AccessError, BadInputError, ForbiddenError
from growthbench.serving.credentials import read_credential
from growthbench.serving.http import Call, Reply, Route, read_json_body
from growthbench.serving.state import State
from growthbench.serving.throttle import Throttle
from growthbench.store.audit import Audit
from growthbench.store.callers import ROLES
from growthbench.store.keys import Keys
from growthbench.store.members import Members
from growthbench.store.tokens import ACCESS_S, Tokens

TRIES_PER_S, TRIES_AT_ONCE = 2.0, 20
NOT_KEPT = ((b"cache-control", b"no-store"),)
"""Headers of answers with something secret in them."""


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a login; ``tenant`` is the service's first if not given, ``code`` that of the second factor."""

    email: str
    password: str
    tenant: str | None = None
    code: str | None = None


class RefreshBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body that carries a refresh token."""

    refresh_token: str


class LogoutBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a logout; the access token comes in the header."""

    refresh_token: str | None = None


class CodeBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body for the second factor: nothing to begin, the first code to switch it on."""

    code: str | None = None


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a member's own change of password."""

    old: str
    new: str


class TokenBody(msgspec.Struct):
    """Body of ``/oauth/token``, as a form or JSON; ``client_id`` is a key's id, ``client_secret`` the key."""

    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None


class Session(msgspec.Struct, omit_defaults=True):
    """Answer to a login or refresh; ``expires_in`` is seconds."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None


class LoggedOut(msgspec.Struct):
    """Answer to a logout: how many tokens were ended by it."""

    ended: int


class SecondFactorAnswer(msgspec.Struct, omit_defaults=True):
    """State of the second factor: waiting or on; ``address`` (otpauth://) is shown once, as a QR code."""

    second_factor: str
    address: str | None = None


class Changed(msgspec.Struct):
    """Answer to a change."""

    changed: bool


class Me(msgspec.Struct):
    """Who asks, and what they may."""

    tenant: str
    kind: str
    caller_id: str
    role: str
    plan: str
    permissions: list[str]


_login, _refresh = msgspec.json.Decoder(LoginBody), msgspec.json.Decoder(RefreshBody)
_logout, _code = msgspec.json.Decoder(LogoutBody), msgspec.json.Decoder(CodeBody)
_password, _token = msgspec.json.Decoder(PasswordBody), msgspec.json.Decoder(TokenBody)


class Sessions:
    """Handlers; each works in one of the Door's threads."""

    def __init__(self, state: State):
        self.state = state
        self.members, self.tokens = Members(state.store, state.keyring), Tokens(state.store, state.keyring)
        self.keys, self.audit = Keys(state.store, state.keyring), Audit(state.store)
        self.throttle = Throttle(TRIES_PER_S, TRIES_AT_ONCE)

    def login(self, call: Call) -> Reply:
        """Let a member in."""
        self.throttle.take(call.client)
        given: LoginBody = call.read(_login)
        tenant = given.tenant or self.state.settings.tenant
        return _session(self.members.login(tenant, given.email, given.password, given.code))

    def refresh(self, call: Call) -> Reply:
        """Trade a refresh token for a new session."""
        self.throttle.take(call.client)
        given: RefreshBody = call.read(_refresh)
        return _session(self.tokens.refresh(given.refresh_token))

    def logout(self, call: Call) -> Reply:
        """End a session; tokens that do not count anyway are no error."""
        self.throttle.take(call.client)
        given: LogoutBody = call.read(_logout) if call.body else LogoutBody()
        shown = read_credential(call._headers)
        asked = [(shown, "access")] if isinstance(shown, str) else []
        asked += [(given.refresh_token, "refresh")] if given.refresh_token else []
        ended = [caller for token, use in asked if (caller := self.tokens.revoke(token, use)) is not None]
        for caller in ended[:1]:
            self.audit.write(caller.tenant, caller.caller_id, f"{caller.kind}.logout", caller.caller_id, {})
        self.state.auth.forget()
        return Reply.of(LoggedOut(len(ended)))

    def totp(self, call: Call) -> Reply:
        """Begin a second factor, or switch it on."""
        member_id, given = _member(call), call.read(_code) if call.body else CodeBody()
        if given.code is None:
            address = self.members.enable_totp(call.tenant, member_id, actor=member_id)
            return Reply.of(SecondFactorAnswer("waiting", address), headers=NOT_KEPT)
        self.members.confirm_totp(call.tenant, member_id, given.code)
        return Reply.of(SecondFactorAnswer("on"))

    def password(self, call: Call) -> Reply:
        """Change one's own password; all sessions end."""
        given: PasswordBody = call.read(_password)
        self.members.change_password(call.tenant, _member(call), given.old, given.new)
        self.state.auth.forget()
        return Reply.of(Changed(True))

    def me(self, call: Call) -> Reply:
        """Who asks."""
        c = call.caller
        return Reply.of(Me(c.tenant, c.kind, c.caller_id, c.role, c.plan, sorted(ROLES[c.role])))

    def token(self, call: Call) -> Reply:
        """OAuth 2.0: trade a key (client credentials) or a refresh token for an access token."""
        self.throttle.take(call.client)
        given = _token_request(call)
        if given.grant_type == "refresh_token":
            return _session(self.tokens.refresh(given.refresh_token or ""))
        if given.grant_type != "client_credentials":
            raise BadInputError("grant_type must be client_credentials or refresh_token", field="grant_type")
        caller = self.keys.find(given.client_secret or "")
        if given.client_id not in (None, caller.caller_id):
            raise AccessError("client_id is not the id of the key in client_secret")
        return _session({"access_token": self.tokens.issue(caller), "token_type": "Bearer", "expires_in": ACCESS_S})


def _token_request(call: Call) -> TokenBody:
    """What a form, or JSON, and ``Authorization: Basic`` say together."""
    is_json = call.body.lstrip()[:1] == b"{"
    given = read_json_body(call.body, _token) if is_json else _from_form(call.body)
    basic = call.header("authorization") or ""
    if given.client_secret is None and basic[:6].lower() == "basic ":
        try:
            told = base64.b64decode(basic[6:].strip(), validate=True).decode()
        except (binascii.Error, ValueError) as exc:
            raise AccessError("Authorization: Basic is not base64") from exc
        given.client_id, _, given.client_secret = told.partition(":")
    return given


def _from_form(body: bytes) -> TokenBody:
    try:
        form: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
        return msgspec.convert(form, TokenBody)
    except (ValueError, msgspec.ValidationError) as exc:
        raise BadInputError("the body must be a form with grant_type and what it needs", field="grant_type") from exc


def _session(told: dict[str, Any]) -> Reply:
    return Reply.of(Session(**told), headers=NOT_KEPT)


def _member(call: Call) -> str:
    if call.caller.kind != "member":
        raise ForbiddenError("only a member, logged in, has a password and a second factor")
    return call.caller.caller_id


def session_routes(state: State) -> list[Route]:
    """Routes of sessions."""
    sessions = Sessions(state)
    wrong = {401: "something is wrong", 429: "too many tries from this address, or for this e-mail address"}
    return [
        Route("POST", "/api/v1/auth/login", sessions.login, "Log in with e-mail, password and code", None, None,
              LoginBody, Session, example=_LOGIN, answer_example=_SESSION, statuses=wrong, tag="tenants"),
        Route("POST", "/api/v1/auth/refresh", sessions.refresh, "Trade a refresh token, once, for a new session",
              None, None, RefreshBody, Session, example={"refresh_token": "eyJhbGci..."}, answer_example=_SESSION,
              statuses=wrong, tag="tenants"),
        Route("POST", "/api/v1/auth/logout", sessions.logout, "End a session: the token in the header, and its other",
              None, None, LogoutBody, LoggedOut, example={"refresh_token": "eyJhbGci..."},
              answer_example={"ended": 2}, statuses=wrong, tag="tenants"),
        Route("POST", "/api/v1/auth/totp", sessions.totp, "Begin a second factor, or switch it on by its first code",
              "tenant:read", "calls", CodeBody, SecondFactorAnswer, example={"code": "123456"},
              answer_example={"second_factor": "on"}, statuses={409: "it is on already, or was not begun"},
              tag="tenants"),
        Route("POST", "/api/v1/auth/password", sessions.password, "Change one's own password", "tenant:read", "calls",
              PasswordBody, Changed, example={"old": "an old passphrase", "new": "a new passphrase"},
              answer_example={"changed": True}, tag="tenants"),
        Route("GET", "/api/v1/auth/me", sessions.me, "Who asks, and what they may", "tenant:read", "calls", None, Me,
              answer_example={"tenant": "local", "kind": "key", "caller_id": "0198f3c1a2b3c4d5e6f70811",
                              "role": "service", "plan": "local", "permissions": ["scores:read"]}, tag="tenants"),
        Route("POST", "/oauth/token", sessions.token, "Trade a key for an access token (client credentials)", None,
              None, TokenBody, Session,
              example={"grant_type": "client_credentials", "client_id": "0198f3c1a2b3c4d5e6f70811",
                       "client_secret": "gbs_0198f3c1a2b3c4d5e6f70811_..."},
              answer_example=_SESSION, statuses=wrong, tag="tenants"),
    ]  # fmt: skip


_LOGIN = {"email": "ann@shop.example", "password": "correct horse battery", "code": "123456"}
_SESSION = {"access_token": "eyJhbGci...", "token_type": "Bearer", "expires_in": 900, "refresh_token": "eyJhbGci..."}
