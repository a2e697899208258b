"""Workers wake each other through Redis. Only that: messages lie in the store, so none is lost when Redis is away."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable

CHANNEL = "growthbench:live"
_log = logging.getLogger("growthbench.serving")


class RemoteWaking:
    """Says and hears that there is more.

    Parameters
    ----------
    url : str
        ``redis://...``.
    wake : callable
        Called in a thread of its own when another worker said so.
    """

    def __init__(self, url: str, wake: Callable[[], None]):
        import redis

        self._away = redis.RedisError
        self._client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        self._wake, self._closed = wake, threading.Event()
        self._thread = threading.Thread(target=self._hear, name="growthbench-bus-redis", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def tell(self, tenants: Iterable[str]) -> None:
        """Wake the other workers; if Redis is away they find out by polling."""
        with contextlib.suppress(self._away):
            self._client.publish(CHANNEL, ",".join(tenants))

    def close(self) -> None:
        """Stop."""
        self._closed.set()
        self._thread.join(5)
        self._client.close()

    def _hear(self) -> None:
        told = False
        while not self._closed.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as hearing:
                    hearing.subscribe(CHANNEL)
                    told = False
                    while not self._closed.is_set():
                        if hearing.get_message(timeout=0.5) is not None:
                            self._wake()
            except self._away as exc:
                if not told:
                    _log.warning("Redis cannot be reached, the workers poll instead: %s", exc)
                told = True
                self._closed.wait(1.0)
