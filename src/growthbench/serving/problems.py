"""Errors as problem+json (RFC 9457): the one form in which anything is refused."""

import logging
import re
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

import msgspec

from growthbench.base.errors import ArtifactError, GrowthbenchError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("growthbench.serving")


@dataclass(frozen=True)
class Problem:
    """Status, title and detail of an error; the field at fault, the seconds to wait, if there are such."""

    status: int
    title: str
    detail: str
    field: str | None = None
    retry_after: int | None = None

    def content(self, instance: str | None = None, request_id: str | None = None) -> dict:
        """Members of the JSON object; ``instance`` is the path of the request."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        members = {
            "type": f"urn:growthbench:problem:{slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "field": self.field,
            "retry_after": self.retry_after,
            "request_id": request_id,
        }
        return {name: value for name, value in members.items() if value is not None}

    def body(self, instance: str, request_id: str | None) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(self.content(instance, request_id))


def problem_of(exc: Exception, request_id: str | None = None) -> Problem:
    """The problem that tells a caller about an exception; what only we should know goes to the log, by request id."""
    if isinstance(exc, ArtifactError):
        return Problem(503, exc.title, str(exc))
    if isinstance(exc, GrowthbenchError):
        wait = getattr(exc, "retry_after", None)
        seconds = None if wait is None else max(1, ceil(wait))
        return Problem(exc.status, exc.title, str(exc), getattr(exc, "field", None), seconds)
    if isinstance(exc, TimeoutError):
        return Problem(504, "Timeout", "the request took longer than this service allows")
    if _is_of_the_store(exc):
        if _is_of_a_value(exc):  # the store is well: PostgreSQL takes no U+0000 in a text, no number beyond 64 bits
            _log.warning("request %s: the store does not take a value", request_id, exc_info=exc)
            return Problem(400, "Bad input", "a text or number of the request is none that the store can hold")
        _log.error("request %s: the store failed", request_id, exc_info=exc)
        return Problem(503, "Not ready", "the store cannot be reached now")
    _log.error("request %s: unexpected error", request_id, exc_info=exc)
    return Problem(500, "Internal error", "an unexpected error happened; the request id leads to it in the log")


def _is_of_the_store(exc: Exception) -> bool:
    from sqlalchemy.exc import SQLAlchemyError  # here, so that BentoML's supervisor need not import it

    return isinstance(exc, SQLAlchemyError)


def _is_of_a_value(exc: Exception) -> bool:
    from sqlalchemy.exc import DataError

    return isinstance(exc, DataError)


def problem_of_status(
    status: int, method: str, path: str, said: str | None = None, field: str | None = None
) -> Problem:
    """The problem behind an error status that somebody below us answered with."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase.capitalize()
    if status == 404 and said is None:
        said = f"there is no {method} {path}"
    elif status == 405:
        said = f"{method} is not answered at {path}"
    elif status in (500, 502) or said is None:
        said = "an unexpected error happened; the request id leads to it in the log" if status >= 500 else title
    return Problem(status, title, said, field)


_TITLES = {400: "Bad input", 404: "Not found", 500: "Internal error", 503: "Not ready", 504: "Timeout"}
