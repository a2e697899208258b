"""Refused entries of intake streams in Redis, which are kept as they came: those that mention an erased person go."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growthbench.people.subject import Subject

if TYPE_CHECKING:
    from redis import Redis

_STREAMS = "*:refused"
_PAGE = 500


class RefusedEntries:
    """Entries that a stream's reader could not take (see `serving.intake_stream`).

    What still waits in a stream itself is not touched: it becomes events, of somebody who is new then.

    Parameters
    ----------
    url : str
        Redis URL.
    """

    name = "redis"

    def __init__(self, url: str):
        self.url = url

    def erase(self, subject: Subject) -> int:
        """Delete them; returns their number."""
        with self._client() as client:
            return sum(client.xdel(stream, entry) for stream, entry in list(_about(client, subject)))

    def find(self, subject: Subject) -> int:
        """Count them."""
        with self._client() as client:
            return len(list(_about(client, subject)))

    def _client(self) -> "Redis":
        from redis import Redis

        return Redis.from_url(self.url, socket_timeout=10, socket_connect_timeout=5)


def _about(client: "Redis", subject: Subject) -> Iterator[tuple[bytes, bytes]]:
    for stream in client.scan_iter(match=_STREAMS, _type="stream"):
        start = b"-"
        while entries := client.xrange(stream, start, count=_PAGE):
            for entry, fields in entries:
                if _before(entry, subject) and subject.mentions(fields.get(b"body", b"").decode("utf-8", "replace")):
                    yield stream, entry
            start = b"(" + entries[-1][0]


def _before(entry: bytes, subject: Subject) -> bool:
    """Whether an entry is older than the erasure: its id begins with milliseconds."""
    return int(entry.split(b"-")[0]) * 1_000 <= subject.until
