"""Bodies of requests: read whole, unzipped, counted as they come."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from growthbench.base.errors import BadInputError, GrowthbenchError, TooLargeError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_PLAIN = (b"", b"identity")
_GZIP = (b"gzip", b"x-gzip")
_NOT_READ = (b"multipart/", b"application/vnd.bentoml")


class MediaTypeError(GrowthbenchError):
    """A form of body that nobody here reads."""

    status = 415
    title = "Unsupported media type"


class ClientGoneError(Exception):
    """The client went away while it was sending."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """All of a body.

    Raises
    ------
    TooLargeError
        More than ``limit`` bytes came, whatever was announced.
    ClientGoneError
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    body = message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def unzipped(body: bytes, coding: bytes, limit: int) -> bytes:
    """A body as its ``content-encoding`` says, the same limit on what comes out of it.

    Raises
    ------
    MediaTypeError
        Another coding than gzip.
    BadInputError
        No gzip, or cut off.
    TooLargeError
    """
    coding = coding.strip().lower()
    if coding in _PLAIN:
        return body
    if coding not in _GZIP:
        raise MediaTypeError(f"bodies are read plain or as gzip, not as {coding.decode('latin-1')[:50]!r}")
    parts, size, rest = [], 0, body
    try:
        while rest:  # a gzip file may have several members
            reader = zlib.decompressobj(wbits=31)
            part = reader.decompress(rest, limit + 1 - size)
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            if not reader.eof:
                raise BadInputError("the gzip body is cut off")
            parts.append(part)
            rest = reader.unused_data
    except zlib.error as exc:
        raise BadInputError(f"the body is not gzip: {exc}") from exc
    return b"".join(parts)


def check_media_type(given: bytes, forms: bool = False) -> None:
    """Refuse bodies in a form that nobody here reads: pickles, and multipart forms unless the route takes ``forms``.

    Raises
    ------
    MediaTypeError
    """
    if given != b"application/json" and given.lower().startswith(_NOT_READ) and not (forms and _is_form(given)):
        name = given.partition(b";")[0].decode("latin-1")[:80]
        hint = "; pickle would run the sender's code" if "pickle" in name else ""
        raise MediaTypeError(f"bodies are JSON here, {name!r} is not read{hint}")


def _is_form(given: bytes) -> bool:
    return given.lower().startswith(b"multipart/form-data")


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body has more than {limit} bytes, which is the limit here")
