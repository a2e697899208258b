"""HTTP to the Desk: one connection a request, over a Unix socket or TCP, cancelled by closing it.

A connection to a neighbour costs a tenth of a millisecond; in return there is no pool to keep, no stale connection
after the Desk was started again, and nothing to import. Answers are read by httptools, as uvicorn reads requests.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from growthbench.base.errors import NotReadyError

CONNECT_S = 1.0
MOST_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 2.0
_PART = 64 * 1024


class DeskAwayError(NotReadyError):
    """The Desk does not answer: it is being started again, or has too much to do."""

    def __init__(self, why: str, retry_after: float = RETRY_AFTER_S):
        super().__init__(f"the Desk {why}: documents, content and chat cannot be answered now; try again")
        self.retry_after = retry_after


@dataclass
class Answer:
    """Status and headers of an answer, and the parts of its body as they come."""

    status: int
    headers: list[tuple[bytes, bytes]]
    parts: AsyncGenerator[bytes, None]
    close: Callable[[], None]

    def header(self, name: bytes, default: bytes = b"") -> bytes:
        """A header by its lower-case name."""
        return next((value for key, value in self.headers if key == name), default)

    async def whole(self) -> bytes:
        """The whole body."""
        try:
            return b"".join([part async for part in self.parts])
        finally:
            self.close()


async def ask(url: str, method: str, target: str, headers: Sequence[tuple[bytes, bytes]], body: bytes = b"") -> Answer:
    """Send a request; returns when the head of the answer is there.

    Whoever takes the answer closes it.

    Parameters
    ----------
    url : str
        ``unix:PATH`` or ``http://HOST:PORT``.
    target : str
        Path and query, quoted.

    Raises
    ------
    DeskAwayError
        Nobody listens there, or the connection broke.
    """
    reader, writer = await _connected(url)
    exchange = _Exchange(reader, writer)
    try:
        told = [(b"host", b"desk"), (b"connection", b"close"), (b"content-length", b"%d" % len(body)), *headers]
        head = b"".join(b"%s: %s\r\n" % pair for pair in told)
        writer.write(b"%s %s HTTP/1.1\r\n%s\r\n" % (method.encode(), target.encode("latin-1"), head) + body)
        await exchange.head()
    except BaseException:
        writer.close()
        raise
    return Answer(exchange.status, exchange.headers, exchange.parts(), writer.close)


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_S):
            if url.startswith("unix:"):
                return await asyncio.open_unix_connection(url.removeprefix("unix:"))
            parts = urlsplit(url)
            return await asyncio.open_connection(parts.hostname, parts.port or 80)
    except (OSError, TimeoutError) as exc:
        raise DeskAwayError("cannot be reached") from exc


class _Exchange:
    """One answer while it is read; the parser calls the ``on_...`` methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._parser = httptools.HttpResponseParser(self)
        self.status, self.headers = 0, []
        self._has_head = self._is_whole = False
        self._read: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.status, self._has_head = self._parser.get_status_code(), True

    def on_body(self, part: bytes) -> None:
        self._read.append(part)

    def on_message_complete(self) -> None:
        self._is_whole = True

    async def head(self) -> None:
        """Read until status and headers are there."""
        while not self._has_head:
            await self._more()

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes."""
        size = 0
        while True:
            parts, self._read = self._read, []
            size += sum(map(len, parts))
            if size > MOST_BYTES:
                raise DeskAwayError(f"answered with more than {MOST_BYTES} bytes")
            for part in parts:
                yield part
            if self._is_whole:
                return
            await self._more()

    async def _more(self) -> None:
        try:
            data = await self._reader.read(_PART)
            if not data:
                raise DeskAwayError("ended before it had answered")
            self._parser.feed_data(data)
        except (OSError, httptools.HttpParserError) as exc:
            raise DeskAwayError("broke the connection") from exc
