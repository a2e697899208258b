"""Messages of the wire format (Segment's): made and encoded where the host calls, out of reach of later changes."""

import json
import math
import numbers
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from growthbench_sdk.version import VERSION

MAX_MESSAGE_BYTES = 32 * 1024
LIBRARY = {"name": "growthbench-python", "version": VERSION}
_MAX_DEPTH = 50
_TEXTS = ("event", "groupId", "previousId")


class InvalidMessageError(ValueError):
    """The host gave something that cannot be sent."""


def build(
    kind: str,
    user_id: Any = None,
    anonymous_id: Any = None,
    timestamp: datetime | str | None = None,
    context: Mapping[str, Any] | None = None,
    message_id: str | None = None,
    app_id: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """One message.

    Parameters
    ----------
    kind : {"track", "identify", "page", "screen", "group", "alias"}
    user_id, anonymous_id : str or int, optional
        Who; one of them must be given.
    timestamp : datetime or str, optional
        When it happened; naive ones are UTC, missing ones now.
    context : mapping, optional
    message_id : str, optional
        Two messages of one id are one event; made if missing.
    app_id : str, optional
        Which of the host's applications; kept as ``context.app.name``.
    **fields
        ``event``, ``properties``, ``traits`` ...; None is left out.

    Raises
    ------
    InvalidMessageError
    """
    user, anonymous = _identity(user_id, "user_id"), _identity(anonymous_id, "anonymous_id")
    if user is None and anonymous is None:
        raise InvalidMessageError("needs a user_id or an anonymous_id")
    for name, value in fields.items():
        if name in ("properties", "traits"):
            if value is not None and not isinstance(value, Mapping):
                raise InvalidMessageError(f"{name} must be a mapping, found {type(value).__name__}")
            fields[name] = {} if value is None else value
        elif name in _TEXTS:
            fields[name] = _identity(value, name)
            if fields[name] is None:
                raise InvalidMessageError(f"{name} is missing")
    about: dict[str, Any] = {"library": LIBRARY}
    if app_id is not None:
        about["app"] = {"name": str(app_id)}
    about.update(context or {})
    message: dict[str, Any] = {"type": kind, "messageId": message_id or str(uuid.uuid4()), "timestamp": _iso(timestamp)}
    if user is not None:
        message["userId"] = user
    if anonymous is not None:
        message["anonymousId"] = anonymous
    message.update((name, value) for name, value in fields.items() if value is not None)
    message["context"] = about
    return message


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as JSON that every reader takes: no NaN, no lone surrogates, dates as ISO, what is unknown as text.

    Raises
    ------
    InvalidMessageError
        It holds itself, or is nested more than 50 deep.
    """
    try:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(_cleaned(message, 0), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _identity(value: Any, name: str) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral, uuid.UUID)):
        raise InvalidMessageError(f"{name} must be text or a whole number, found {type(value).__name__}")
    return str(value)


def _iso(value: datetime | str | None) -> str:
    if isinstance(value, str):
        return value
    moment = datetime.now(UTC) if value is None else value
    if not isinstance(moment, datetime):
        raise InvalidMessageError(f"timestamp must be a datetime or ISO text, found {type(value).__name__}")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _cleaned(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise InvalidMessageError(f"nested more than {_MAX_DEPTH} deep, or holds itself")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _cleaned(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner, depth + 1) for inner in value]
    return _cleaned(_plain(value), depth + 1)
