"""One kept-alive HTTP connection whose requests end within their time, whatever the other side does."""

import contextlib
import encodings.idna  # noqa: F401  else imported at the first connection, in a thread: a fork just then would break it
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_MAX_ANSWER_BYTES = 4 * 1024 * 1024


class NoAnswerError(Exception):
    """The server did not answer in time, or not in HTTP."""


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """To one server; used by one thread at a time.

    Parameters
    ----------
    base_url : str
        ``http://`` or ``https://``, with a path prefix if there is one.
    ssl_context : ssl.SSLContext, optional
        By default the system's trust.

    Raises
    ------
    ValueError
        No such URL.
    """

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None = None):
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must begin with http:// or https:// and name a host, found {base_url!r}")
        self._made_from = base_url, ssl_context
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix, self._ssl_context = parts.path.rstrip("/"), ssl_context
        self._http: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, headers: Mapping[str, str], timeout_s: float, body: bytes | None = None
    ) -> Answer:
        """Ask, and wait for the whole answer no longer than ``timeout_s`` in all.

        Raises
        ------
        NoAnswerError
        """
        until = time.monotonic() + timeout_s
        reused = self._http is not None
        try:
            return self._ask(method, path, headers, until, body)
        except NoAnswerError:
            if not reused or time.monotonic() >= until:
                raise
            return self._ask(method, path, headers, until, body)  # the server had closed the connection that we kept

    def fresh(self) -> "Connection":
        """Another one to the same server."""
        return Connection(*self._made_from)

    def close(self) -> None:
        """Let go of the server."""
        if self._http is not None:
            with contextlib.suppress(Exception):
                self._http.close()
            self._http = None

    def _ask(self, method: str, path: str, headers: Mapping[str, str], until: float, body: bytes | None) -> Answer:
        try:
            if self._http is None:
                self._http, self._sock = self._connect(until)
            self._sock.until = until
            self._http.request(method, self._prefix + path, body, dict(headers))
            response = self._http.getresponse()
            content = response.read(_MAX_ANSWER_BYTES)
            if not response.isclosed() or self._http.sock is None:
                self.close()  # there is more than we want, or the server does not keep connections
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        except Exception as exc:  # OSError, HTTPException, and whatever parsing of rubbish ends in
            self.close()
            raise NoAnswerError(f"{type(exc).__name__}: {exc}"[:200]) from exc

    def _connect(self, until: float) -> "tuple[http.client.HTTPConnection, _UntilSocket]":
        left = max(until - time.monotonic(), 0.01)
        if self._secure:
            context = self._ssl_context or ssl.create_default_context()
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=left, context=context
            )
        else:
            made = http.client.HTTPConnection(self._host, self._port, timeout=left)
        made.connect()
        sock = made.sock = _UntilSocket(made.sock)
        return made, sock


class _UntilSocket:
    """A socket whose operations all end at one moment; a timeout alone starts anew with each byte that trickles in."""

    def __init__(self, sock: socket.socket):
        self._sock, self.until = sock, 0.0

    def hurry(self) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.hurry()
        self._sock.sendall(data)  # Python bounds the whole of it by the timeout

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        return io.BufferedReader(_UntilReader(self, self._sock.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._sock.close()


class _UntilReader(io.RawIOBase):
    def __init__(self, sock: _UntilSocket, raw: io.RawIOBase):
        self._until_sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._until_sock.hurry()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
