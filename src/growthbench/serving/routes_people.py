"""Profiles of people, and saying that two of them are one."""

from collections.abc import Callable
from typing import Any

import msgspec

from growthbench.base.errors import BadInputError
from growthbench.events.checks import checked_text
from growthbench.events.heads import Head, read_head
from growthbench.people.directory import Ident
from growthbench.people.links import Change, join, part
from growthbench.people.profile import read_profile
from growthbench.serving.http import Call, Reply, Route
from growthbench.serving.state import State
from growthbench.store.audit import Audit


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """Two people: user ids, or ``anonymous:ID``. ``member``'s events count as ``into``'s."""

    into: str
    member: str
    reason: str = "asked for"


class Merged(msgspec.Struct):
    """What was done: how many members ``into`` has now, and the number it has in the log."""

    into: str
    member: str
    members: int
    seq: int


class Session(msgspec.Struct):
    """The current session, or the last one."""

    session_id: str
    started_at: str
    events: int
    active: bool


class Links(msgspec.Struct):
    """All user ids of the person, and who was merged into it."""

    user_ids: list[str]
    members: list[str]


class Profile(msgspec.Struct):
    """What is known about a person at a glance; counts and windows are features."""

    user_id: str | None
    anonymous_ids: list[str]
    traits: dict[str, Any]
    first_seen: str
    last_seen: str
    session: Session
    segment: Any
    links: Links


_pair = msgspec.json.Decoder(Pair)


class People:
    """Handlers; each works in one of the Door's threads."""

    def __init__(self, state: State):
        self.state, self.audit = state, Audit(state.store)

    def profile(self, call: Call) -> Reply:
        """The profile of a person, up to the last event of the log."""
        state, ident = self.state, _ident(call.params["user_id"], "user_id")
        directory = state.directory(call.tenant)
        return Reply.of(read_profile(state.store, state.keyring, call.tenant, ident, directory))

    def merge(self, call: Call) -> Reply:
        """Make two people one."""
        given: Pair = call.read(_pair)
        reason = checked_text(given.reason, "reason", 200)
        return self._change(call, given, "people.merged", lambda connection, *pair: join(connection, *pair, reason))

    def unmerge(self, call: Call) -> Reply:
        """Take them apart again."""
        return self._change(call, call.read(_pair), "people.unmerged", part)

    def _change(self, call: Call, given: Pair, action: str, do: Callable[..., Change]) -> Reply:
        into, member = _ident(given.into, "into"), _ident(given.member, "member")
        directory = self.state.directory(call.tenant)
        with self.state.store.writing() as connection:
            directory.check((read_head(connection, call.tenant) or Head()).people_version)
            done = do(connection, directory, into, member)
            detail = {"member": done.other, "seq": done.seq}
            self.audit.write(call.tenant, call.caller.caller_id, action, done.person, detail, connection)
        return Reply.of(done.told())


def _ident(text: str, field: str) -> Ident:
    ident = Ident.of(checked_text(text, field))
    if not ident.value:
        raise BadInputError("an id is needed after 'anonymous:'", field=field)
    return ident


def routes(state: State) -> list[Route]:
    """Routes of people."""
    people = People(state)
    apart = {404: "nobody has one of the ids", 409: "they are one person already, or have too many members"}
    return [
        Route("GET", "/api/v1/users/{user_id}/profile", people.profile, "What is known about a person at a glance",
              "people:read", answer=Profile, answer_example=_PROFILE, tag="people",
              statuses={404: "nothing is known of this person"}),
        Route("POST", "/api/v1/users/merge", people.merge, "Say that two people are one", "people:write",
              body=Pair, example=_PAIR, answer=Merged, answer_example=_DONE, statuses=apart, tag="people"),
        Route("POST", "/api/v1/users/unmerge", people.unmerge, "Take two people apart again", "people:write",
              body=Pair, example=_PAIR, answer=Merged, answer_example=_DONE | {"members": 0},
              statuses=apart | {409: "the member is not merged into the other"}, tag="people"),
    ]  # fmt: skip


_PAIR = {"into": "u-17", "member": "anonymous:4be0643f-1d98", "reason": "signed in on the phone"}
_DONE = {"into": "u-17", "member": "anonymous:4be0643f-1d98", "members": 1, "seq": 1042}
_PROFILE = {
    "user_id": "u-17",
    "anonymous_ids": ["4be0643f-1d98"],
    "traits": {"plan": "pro", "industry": "retail"},
    "first_seen": "2026-01-05T09:30:00.000000Z",
    "last_seen": "2026-02-11T17:02:41.220000Z",
    "session": {"session_id": "5f0c1be2a9d34477", "started_at": "2026-02-11T16:48:02.000000Z", "events": 12,
                "active": True},
    "segment": None,
    "links": {"user_ids": ["u-17"], "members": ["anonymous:4be0643f-1d98"]},
}  # fmt: skip
