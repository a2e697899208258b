"""Segment's HTTP tracking format: one message becomes one event, or a reason why not.

Source: Segment's public specification, https://segment.com/docs/connections/spec/common/ (fields, clock correction) and
https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ (limits: 32 KB a message, 500 KB a
batch).
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from growthbench.base.clock import to_us
from growthbench.base.errors import BadInputError
from growthbench.events.catalogue import PROPERTIES
from growthbench.events.checks import checked_text
from growthbench.events.live import Row, checked_row
from growthbench.events.schema import PROPERTY_COLUMNS

MAX_MESSAGE_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_MESSAGES = 2_500

Id = str | int | None


class Message(msgspec.Struct, gc=False):
    """One message as a client of our own routes sends it; whatever else it holds is kept, unread."""

    type: str | None = None
    message_id: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None


class Incoming(msgspec.Struct, gc=False):
    """An event that passed, before anybody looked who it is of.

    Attributes
    ----------
    user, anonymous, previous : str or None
        Ids as the client names them; ``previous`` is what an ``alias`` makes the same as ``user``.
    row : Row
        ``person`` is empty yet.
    raw : bytes
        The message as it came.
    """

    user: str | None
    anonymous: str | None
    previous: str | None
    row: Row
    raw: bytes


SegmentMessage = msgspec.defstruct(
    "SegmentMessage",
    [(f.name, f.type, f.default) for f in msgspec.structs.fields(Message)],
    rename="camel",
    gc=False,
    module=__name__,
)
"""The same as Segment writes it: ``userId``, ``messageId`` ..."""


class SegmentBatch(msgspec.Struct, rename="camel"):
    """Body of ``/v1/batch``; messages are read one by one, so that one of them can be wrong alone."""

    batch: list[msgspec.Raw]
    sent_at: str | None = None


class KeyInBody(msgspec.Struct, rename="camel"):
    """Where clients that cannot set headers put their write key."""

    write_key: str | None = None


_ours, _segments = msgspec.json.Decoder(Message), msgspec.json.Decoder(SegmentMessage)


def read_message(
    raw: bytes, kind: str | None, received_at: int, sent_at: str | None = None, ours: bool = False
) -> Incoming:
    """Read one message.

    Parameters
    ----------
    raw : bytes
        Its JSON.
    kind : str or None
        ``track identify page screen group alias``; None takes the message's own ``type``.
    received_at : int
        UTC µs, when the request came.
    sent_at : str, optional
        The batch's ``sentAt``; a message's own goes before it.
    ours : bool, default False
        Names are written as in our own routes: ``user_id``, ``message_id`` ...

    Raises
    ------
    BadInputError
        ``field`` names what is wrong.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise BadInputError(f"the message has {len(raw)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        message = (_ours if ours else _segments).decode(raw)
    except msgspec.ValidationError as exc:
        text, _, place = str(exc).partition(" - at `$.")
        raise BadInputError(text, field=place.rstrip("`") or None) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadInputError(f"the message is not JSON: {exc}") from exc
    return _incoming(message, raw, kind or message.type, received_at, sent_at)


def _incoming(message: "Message", raw: bytes, kind: str | None, received_at: int, sent_at: str | None) -> Incoming:
    if (reader := _KINDS.get(kind)) is None:
        raise BadInputError(f"type must be one of {', '.join(_KINDS)}, found {kind!r}", field="type")
    user, anonymous = _id(message.user_id, "userId"), _id(message.anonymous_id, "anonymousId")
    if user is None and anonymous is None:
        raise BadInputError("a message needs userId or anonymousId", field="userId")
    name, properties = reader(message)
    context = message.context or {}
    row = checked_row(
        "?",  # known only inside the transaction
        name,
        _when(message, received_at, message.sent_at or sent_at),
        message.message_id,
        _session(properties, context),
        _typed(properties, context),
    )
    previous = _id(message.previous_id, "previousId") if kind == "alias" else None
    if kind == "alias" and previous is None:
        raise BadInputError("an alias needs previousId", field="previousId")
    return Incoming(user, anonymous, previous, row, bytes(raw))


def _track(message: Message) -> tuple[str, dict[str, Any]]:
    if not message.event:
        raise BadInputError("a track message needs event, the name of what happened", field="event")
    return message.event, message.properties or {}


def _identify(message: Message) -> tuple[str, dict[str, Any]]:
    return "identify", message.traits or {}


def _page(message: Message) -> tuple[str, dict[str, Any]]:
    given = dict(message.properties or {})
    page = (message.context or {}).get("page")
    path = given.get("path") or (page.get("path") if isinstance(page, dict) else None) or given.get("page")
    given.setdefault("item_id", path or message.name)
    if (category := message.category or message.name) and "category" not in given:
        given["category"] = category.lower()
    return "page_view", given


def _screen(message: Message) -> tuple[str, dict[str, Any]]:
    given = {"item_id": message.name, "category": message.category} | (message.properties or {})
    return "screen_view", given


def _group(message: Message) -> tuple[str, dict[str, Any]]:
    return "group", {"item_id": _id(message.group_id, "groupId")} | (message.traits or {})


def _alias(message: Message) -> tuple[str, dict[str, Any]]:
    return "alias", {}


_KINDS = {"track": _track, "identify": _identify, "page": _page, "screen": _screen, "group": _group, "alias": _alias}


def _id(given: Id, field: str) -> str | None:
    if given is None or given == "":
        return None
    return checked_text(str(given), field, 500)


def _when(message: Message, received_at: int, sent_at: str | None) -> int:
    """When it happened, by our clock: the client's clock is off by ``received - sent`` (delivery takes no time)."""
    given = message.original_timestamp or message.timestamp
    if given is None:
        return received_at
    happened = _us(given, "timestamp")
    return happened if sent_at is None else received_at - (_us(sent_at, "sentAt") - happened)


def _us(text: str, field: str) -> int:
    try:
        return to_us(text)
    except (ValueError, OverflowError) as exc:
        raise BadInputError(f"{field} must be ISO 8601, found {text[:60]!r}", field=field) from exc


def _session(properties: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    given = properties.get("session_id") or context.get("sessionId")
    return None if given is None else _text(given, "session_id")


_ALIASES = {
    "item_id": ("item_id", "product_id", "sku"),
    "amount": ("amount", "revenue", "total"),
}


def _targets() -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
    """Of each property that is read: typed value it becomes, its kind, and properties that go before it."""
    found: dict[str, list] = {}
    for field in PROPERTY_COLUMNS:
        sources = _ALIASES.get(field.name, (field.name,))
        for place, source in enumerate(sources):
            kind = "" if field.name == "amount" else field.kind
            found.setdefault(source, []).append((field.name, kind, sources[:place]))
    for declared in PROPERTIES:
        found.setdefault(declared.name, []).append((declared.name, declared.kind, ()))
    return found


_TARGETS = _targets()
_MOBILE, _TABLET = re.compile("Mobi|iPhone|Android.*Mobile"), re.compile("iPad|Tablet|Android(?!.*Mobile)")


def _typed(given: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that become typed columns, by the names of the log; numbers in place of texts become texts."""
    found: dict[str, Any] = {}
    for source, value in given.items():
        if (targets := _TARGETS.get(source)) is None or value is None or value == "":
            continue
        for name, kind, before in targets:
            if not before or all(given.get(better) in (None, "") for better in before):
                found[name] = _value(value, kind, source) if kind else value
    if context:
        _enrich(found, context)
    return found


def _enrich(found: dict[str, Any], context: Mapping[str, Any]) -> None:
    """What the client's context says about campaign, channel and device, where the event itself does not."""
    campaign = context.get("campaign")
    if isinstance(campaign, dict):
        for name, source in (("campaign", "name"), ("channel", "medium")):
            if name not in found and isinstance(value := campaign.get(source), str) and value:
                found[name] = value
    agent = context.get("userAgent")
    if "device" not in found and isinstance(agent, str) and agent.startswith("Mozilla"):
        found["device"] = "tablet" if _TABLET.search(agent) else "mobile" if _MOBILE.search(agent) else "desktop"


def _value(value: Any, kind: str, field: str) -> Any:
    return _text(value, field) if kind == "text" else _whole(value)


def _text(value: Any, field: str) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value  # of another type: refused by the check of the row, which names the field


def _whole(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
