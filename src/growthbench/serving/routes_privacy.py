"""Consent, export and erasure of a person."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from growthbench.base.clock import to_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.content.chat.exporting import chats_of
from growthbench.events.checks import checked_text
from growthbench.events.heads import lock_head, read_head
from growthbench.operations.predictions_of import predictions_of
from growthbench.people.consent import EVERY, ConsentLedger
from growthbench.people.directory import Directory, Ident
from growthbench.people.export import export_person
from growthbench.serving.cleaner import Cleaner
from growthbench.serving.http import Call, Reply, Route
from growthbench.serving.state import State
from growthbench.store.audit import Audit

_WAIT_S = 3.0


class ConsentBody(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of the consent ledger."""

    purpose: str
    state: str
    channel: str = EVERY
    source: str = "api"
    detail: str | None = None
    at: str | None = None


class ConsentEntry(msgspec.Struct):
    """An entry as it was recorded."""

    purpose: str
    channel: str
    state: str
    source: str
    detail: str | None
    at: str
    received_at: str


class ConsentAnswer(msgspec.Struct):
    """What a person agreed to, oldest first; with ``purpose`` in the query also whether it is allowed, and why."""

    user_id: str
    entries: list[ConsentEntry]
    allowed: bool | None = None
    why: str | None = None


class ErasureReceipt(msgspec.Struct):
    """A receipt: ``state`` is ``done``, or ``cleaning`` while files and the database's leavings are overwritten."""

    receipt_id: str
    state: str
    requested_at: str
    done_at: str | None
    stores: list[dict[str, Any]]
    left: list[str]
    not_searched: list[str]
    digest: str | None


class Verification(msgspec.Struct):
    """What searching again found."""

    receipt_id: str
    holds: bool
    receipt_unchanged: bool
    stores: list[dict[str, Any]]


_body = msgspec.json.Decoder(ConsentBody)


class Privacy:
    """Handlers; each works in one of the Door's threads."""

    def __init__(self, state: State):
        self.state = state
        self.ledger, self.audit = ConsentLedger(state.store), Audit(state.store)
        self.cleaner = Cleaner(state)

    def consent(self, call: Call) -> Reply:
        """The ledger of a person."""
        user_id, ident = _ident(call)
        query = call.query
        with self.state.store.reading() as connection:
            (person,) = self._directory(connection, call.tenant).find([ident], connection)
            if person is None:
                raise NotFoundError(f"nothing is known of {user_id!r}")
            entries = [ConsentEntry(**e.told()) for e in self.ledger.history(call.tenant, person, connection)]
        answer = ConsentAnswer(user_id, entries)
        if purpose := query.get("purpose"):
            as_of = _moment(query["as_of"], "as_of") if "as_of" in query else None
            decision = self.ledger.decision(call.tenant, person, purpose, query.get("channel", EVERY), as_of)
            answer.allowed, answer.why = decision.allowed, decision.why
        return Reply.of(answer)

    def record(self, call: Call) -> Reply:
        """Add an entry; somebody nobody knew yet becomes known."""
        user_id, ident = _ident(call)
        given: ConsentBody = call.read(_body)
        checked_text(ident.value, "user_id")
        directory = self.state.directory(call.tenant)
        with self.state.store.writing() as connection:
            head = lock_head(connection, call.tenant)
            directory.check(head.people_version)
            (person,) = directory.resolve(connection, [ident], head.seq + 1)
            at = None if given.at is None else _moment(given.at, "at")
            # Under the id's own key, not its root's: who is taken apart again keeps what they said.
            said = (given.purpose, given.state, given.channel, given.source, given.detail)
            entry = self.ledger.record(call.tenant, person, *said, at=at, connection=connection)
            detail = {"purpose": entry.purpose, "channel": entry.channel, "state": entry.state}
            self.audit.write(call.tenant, call.caller.caller_id, "consent.recorded", person, detail, connection)
        return Reply.of(ConsentAnswer(user_id, [ConsentEntry(**entry.told())]), 201)

    def export(self, call: Call) -> Reply:
        """Everything about a person."""
        _, ident = _ident(call)
        more = {"predictions": predictions_of, "chats": chats_of(self.state.directory(call.tenant))}
        told = export_person(self.state.store, self.state.keyring, call.tenant, ident, more)
        self.audit.write(call.tenant, call.caller.caller_id, "person.exported", told["person"], {})
        return Reply.of(told, headers=[(b"content-disposition", b'attachment; filename="person.json"')])

    def erase(self, call: Call) -> Reply:
        """Erase a person: 200 with the receipt, or 202 while the last of it is under way."""
        _, ident = _ident(call)
        eraser = self.cleaner.eraser(call.tenant)
        receipt = eraser.begin(ident, call.caller.caller_id)
        with self.state.store.reading() as connection:
            if (head := read_head(connection, call.tenant)) is not None:  # this worker forgets now, the others soon
                self.state.forget(call.tenant, head.people_version)
        self.cleaner.finish(call.tenant, receipt.receipt_id, _WAIT_S)
        receipt = eraser.receipt(receipt.receipt_id)
        where = f"/api/v1/erasures/{receipt.receipt_id}".encode()
        return Reply.of(ErasureReceipt(**receipt.told()), 200 if receipt.done else 202, [(b"location", where)])

    def receipt(self, call: Call) -> Reply:
        """A receipt."""
        found = self.cleaner.eraser(call.tenant).receipt(call.params["receipt_id"])
        return Reply.of(ErasureReceipt(**found.told()))

    def verify(self, call: Call) -> Reply:
        """Search everything again."""
        query = call.query
        ids = [query[name] for name in ("user_id", "email", "phone") if query.get(name)]
        deep = query.get("deep", "false") == "true"
        found = self.cleaner.eraser(call.tenant).verify(call.params["receipt_id"], ids, deep)
        return Reply.of(Verification(**found.told()))

    def _directory(self, connection: Connection, tenant: str) -> Directory:
        """The tenant's directory, which has forgotten whoever was erased elsewhere."""
        directory = self.state.directory(tenant)
        if (head := read_head(connection, tenant)) is not None:
            directory.check(head.people_version)
        return directory


def _ident(call: Call) -> tuple[str, Ident]:
    user_id = call.params["user_id"]
    ident = Ident.of(user_id)
    if not ident.value:
        raise BadInputError("an id is needed after 'anonymous:'", field="user_id")
    return user_id, ident


def _moment(text: str, field: str) -> int:
    try:
        return to_us(text)
    except (ValueError, OverflowError) as exc:
        raise BadInputError(f"{field} must be ISO 8601, found {text[:60]!r}", field=field) from exc


def routes(state: State) -> list[Route]:
    """Routes of privacy."""
    privacy = Privacy(state)
    unknown = {404: "nothing is known of this person"}
    person, receipt = "/api/v1/users/{user_id}", "/api/v1/erasures/{receipt_id}"
    return [
        Route("GET", f"{person}/consent", privacy.consent, "What a person agreed to", "people:read",
              answer=ConsentAnswer, answer_example=_ANSWER, statuses=unknown, tag="privacy",
              query={"purpose": (str, "also tell whether this purpose is allowed"),
                     "channel": (str, "... on this channel; all of them if not given"),
                     "as_of": (str, "... by what was known at this moment, ISO 8601")}),
        Route("POST", f"{person}/consent", privacy.record, "Record what a person said", "people:write",
              body=ConsentBody, example=_GIVEN, answer=ConsentAnswer, answer_example=_ANSWER, tag="privacy",
              statuses={201: "Recorded."}),
        Route("GET", f"{person}/export", privacy.export, "Everything about a person", "people:read",
              answer=dict, answer_example=_EXPORT, statuses=unknown, tag="privacy"),
        Route("DELETE", person, privacy.erase, "Erase a person everywhere", "people:erase", answer=ErasureReceipt,
              answer_example=_RECEIPT, tag="privacy",
              statuses={202: "erased; files and the database's leavings are being overwritten", **unknown,
                        410: "erased before, with the receipt's id"}),
        Route("GET", receipt, privacy.receipt, "Receipt of an erasure", "people:erase", answer=ErasureReceipt,
              answer_example=_RECEIPT, statuses={404: "no such receipt"}, tag="privacy"),
        Route("GET", f"{receipt}/verify", privacy.verify, "Search again for somebody who was erased", "people:erase",
              answer=Verification, answer_example=_VERIFIED, statuses={404: "no such receipt"}, tag="privacy",
              query={"user_id": (str, "id of the person: then every byte of the home's files is compared, too"),
                     "email": (str, "e-mail address of the person"), "phone": (str, "phone number of the person"),
                     "deep": (bool, "also unpack what was imported as JSON; 15 s a million events")}),
    ]  # fmt: skip


_WHEN = "2026-01-05T09:30:00.000000Z"
_GIVEN = {"purpose": "marketing", "state": "granted", "channel": "email", "source": "sign_up_form"}
_ANSWER = {"user_id": "u-17", "entries": [{**_GIVEN, "detail": None, "at": _WHEN, "received_at": _WHEN}],
           "allowed": None, "why": None}  # fmt: skip
_EXPORT = {"person": "per_018f", "ids": ["user:u-17"], "profile": None, "traits": {}, "events": [], "consents": []}
_RECEIPT = {"receipt_id": "erasure_018f", "state": "done", "requested_at": _WHEN, "done_at": _WHEN,
            "stores": [{"store": "events", "removed": 41}], "left": [], "not_searched": [],
            "digest": "5f0c"}  # fmt: skip
_VERIFIED = {"receipt_id": "erasure_018f", "holds": True, "receipt_unchanged": True,
             "stores": [{"store": "events", "found": 0}]}  # fmt: skip
