"""Events in: Segment's HTTP tracking API, our own two routes, and the quarantine."""

from functools import partial
from typing import Any

import anyio.to_thread
import msgspec

from growthbench.base.errors import BadInputError, TooLargeError
from growthbench.events.segment import (
    MAX_BATCH_BYTES,
    MAX_BATCH_MESSAGES,
    MAX_MESSAGE_BYTES,
    Incoming,
    SegmentBatch,
    read_message,
)
from growthbench.people.intake import Batch, Taken
from growthbench.people.quarantine import Quarantine, Refused, refused
from growthbench.serving.http import Call, Reply, Route, read_json_body
from growthbench.serving.state import State

KINDS = ("track", "identify", "page", "screen", "group", "alias")
_SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
_batch = msgspec.json.Decoder(SegmentBatch)
_OURS = "ours:"


class TrackBody(msgspec.Struct):
    """Body of ``/api/v1/events/track``; ``user_id`` or ``anonymous_id`` is needed."""

    event: str
    user_id: str | None = None
    anonymous_id: str | None = None
    properties: dict[str, Any] | None = None
    timestamp: str | None = None
    message_id: str | None = None
    context: dict[str, Any] | None = None


class IdentifyBody(msgspec.Struct):
    """Body of ``/api/v1/users/identify``."""

    user_id: str
    anonymous_id: str | None = None
    traits: dict[str, Any] | None = None
    timestamp: str | None = None
    message_id: str | None = None
    context: dict[str, Any] | None = None


class SegmentBody(msgspec.Struct, rename="camel"):
    """Body of one Segment message; see Segment's specification for what else may be in it."""

    user_id: str | None = None
    anonymous_id: str | None = None
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    timestamp: str | None = None
    message_id: str | None = None


class Accepted(msgspec.Struct):
    """Answer to events: how many are new in the log, were there already, or lie in quarantine, and why."""

    success: bool
    accepted: int
    duplicates: int
    quarantined: list[dict[str, Any]]


class QuarantineList(msgspec.Struct):
    """What waits in quarantine, oldest first."""

    count: int
    events: list[dict[str, Any]]


class Ingest:
    """Handlers of the routes; they never block the event loop."""

    def __init__(self, state: State):
        self.state = state

    async def one(self, call: Call, kind: str, ours: bool = False) -> Reply:
        """One message. A bad one is kept in quarantine, and said to be bad."""
        if len(call.body) > MAX_MESSAGE_BYTES:
            raise TooLargeError(f"the message has {len(call.body)} bytes; the limit is {MAX_MESSAGE_BYTES}")
        await self._count(call, 1)
        try:
            events, wrong = [read_message(call.body, kind, call.received_at, ours=ours)], []
        except BadInputError as exc:
            if not call.body.lstrip().startswith(b"{"):
                raise
            events, wrong = [], [self._refused(call, call.body, exc, f"{_OURS * ours}{kind}")]
        taken = await self._write(call, events, wrong)
        if wrong:
            kept = wrong[0]
            raise BadInputError(f"{kept.reason} (kept in quarantine as {kept.quarantine_id})", field=kept.field)
        return _accepted(taken, [])

    async def batch(self, call: Call) -> Reply:
        """Many messages; each that is bad is kept in quarantine alone."""
        if len(call.body) > MAX_BATCH_BYTES:
            raise TooLargeError(f"the batch has {len(call.body)} bytes; the limit is {MAX_BATCH_BYTES}")
        given = read_json_body(call.body, _batch)
        if not 0 < len(given.batch) <= MAX_BATCH_MESSAGES:
            raise BadInputError(f"a batch has 1 to {MAX_BATCH_MESSAGES} messages, found {len(given.batch)}", "batch")
        await self._count(call, len(given.batch))
        events: list[Incoming] = []
        wrong: list[Refused] = []
        told: list[dict[str, Any]] = []
        for place, raw in enumerate(given.batch):
            try:
                events.append(read_message(raw, None, call.received_at, given.sent_at))
            except BadInputError as exc:
                kept = self._refused(call, bytes(raw), exc, "batch")
                wrong.append(kept)
                told.append(
                    {"index": place, "reason": kept.reason, "field": kept.field, "quarantine_id": kept.quarantine_id}
                )
        return _accepted(await self._write(call, events, wrong), told)

    async def waiting(self, call: Call) -> Reply:
        """What lies in quarantine."""
        query = call.query
        limit = _whole(query.get("limit", "100"), "limit", 1_000)
        kept = Quarantine(self.state.store, self.state.keyring, call.tenant)

        def read() -> QuarantineList:
            return QuarantineList(kept.count(), kept.listing(limit, query.get("after", "")))

        return Reply.of(await anyio.to_thread.run_sync(read))

    async def replay(self, call: Call) -> Reply:
        """Try again what lies in quarantine."""
        kept = Quarantine(self.state.store, self.state.keyring, call.tenant)

        def take(raw: bytes, source: str, received_at: int) -> str | None:
            ours, kind = source.startswith(_OURS), source.removeprefix(_OURS)
            try:
                event = read_message(raw, None if kind == "batch" else kind, received_at, ours=ours)
            except BadInputError as exc:
                return str(exc)
            self.state.commits.submit("events", Batch(call.tenant, [event])).result(30)
            return None

        return Reply.of(await anyio.to_thread.run_sync(kept.replay, take))

    async def _count(self, call: Call, n: int) -> None:
        if not self.state.limits.take_now(call.caller, "events", n):
            await anyio.to_thread.run_sync(self.state.limits.take, call.caller, "events", n)

    async def _write(self, call: Call, events: list[Incoming], wrong: list[Refused]) -> Taken:
        # A client that gives up has still sent its events: the group commit writes them all the same.
        taken = await self.state.commits.submit_async("events", Batch(call.tenant, events, wrong))
        if taken.new:
            self.state.bus.wake(call.tenant)
        stage = self.state.metrics.stage
        stage("validation", len(events), "passed")
        stage("enrichment", len(events), "passed")
        if wrong:
            stage("validation", len(wrong), "quarantined")
        if taken.duplicates:
            stage("storage", taken.duplicates, "duplicate")
        stage("storage", taken.new, "stored")
        return taken

    def _refused(self, call: Call, raw: bytes, exc: BadInputError, source: str) -> Refused:
        return refused(self.state.keyring, call.tenant, raw, str(exc), exc.field, source, call.received_at)


def _accepted(taken: Taken, told: list[dict[str, Any]]) -> Reply:
    return Reply.of(Accepted(True, taken.new, taken.duplicates, told))


def _whole(text: str, field: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= most):
        raise BadInputError(f"{field} must be a whole number from 1 to {most}, found {text!r}", field=field)
    return int(text)


def routes(state: State) -> list[Route]:
    """Routes of ingest."""
    ingest = Ingest(state)
    shared = {"permission": "events:write", "key_in_body": True, "cors": True, "answer": Accepted, "tag": "events"}
    made = [
        Route("POST", f"/v1/{path}", partial(ingest.one, kind=kind), f"Segment: {kind}", body=SegmentBody,
              example=_EXAMPLES[kind], answer_example=_ANSWER, statuses={413: "more than 32 KB"}, **shared)
        for path, kind in [(k, k) for k in KINDS] + list(_SHORT.items())
    ]  # fmt: skip
    made += [
        Route("POST", f"/v1/{path}", ingest.batch, "Segment: many messages", body=SegmentBatchBody,
              example={"batch": [{"type": kind, **_EXAMPLES[kind]} for kind in ("track", "identify")]},
              answer_example=_ANSWER | {"accepted": 2}, statuses={413: "more than 500 KB"}, **shared)
        for path in ("batch", "import", "b")
    ]  # fmt: skip
    made += [
        Route("POST", "/api/v1/events/track", partial(ingest.one, kind="track", ours=True), "Track one event",
              body=TrackBody, example=_TRACK, answer_example=_ANSWER, statuses={413: "more than 32 KB"}, **shared),
        Route("POST", "/api/v1/users/identify", partial(ingest.one, kind="identify", ours=True),
              "Tell who a user is", body=IdentifyBody, example=_IDENTIFY, answer_example=_ANSWER,
              statuses={413: "more than 32 KB"}, **shared),
        Route("GET", "/api/v1/quarantine", ingest.waiting, "Events that were refused, and why", "people:read",
              answer=QuarantineList, tag="events",
              query={"limit": (int, "how many, 1 to 1000, default 100"), "after": (str, "id of the last one seen")}),
        Route("POST", "/api/v1/quarantine/replay", ingest.replay, "Try refused events again", "people:write",
              answer=dict[str, int], answer_example={"replayed": 3, "refused": 0}, tag="events"),
    ]  # fmt: skip
    return made


class SegmentBatchBody(msgspec.Struct, rename="camel"):
    """Body of a batch: messages, each with its ``type``."""

    batch: list[dict[str, Any]]
    sent_at: str | None = None


_ANSWER = {"success": True, "accepted": 1, "duplicates": 0, "quarantined": []}
_TRACK = {"user_id": "u-17", "event": "product_view", "properties": {"item_id": "sku-9", "category": "shoes"}}
_IDENTIFY = {"user_id": "u-17", "traits": {"plan": "pro", "industry": "retail"}}
_EXAMPLES = {
    "track": {"userId": "u-17", "event": "Order Completed", "properties": {"revenue": 59.9, "currency": "EUR"}},
    "identify": {"userId": "u-17", "traits": {"plan": "pro", "industry": "retail"}},
    "page": {"anonymousId": "a-3", "name": "Pricing", "properties": {"path": "/pricing"}},
    "screen": {"anonymousId": "a-3", "name": "Basket"},
    "group": {"userId": "u-17", "groupId": "acme", "traits": {"employees": 250}},
    "alias": {"userId": "u-17", "previousId": "a-3"},
}
