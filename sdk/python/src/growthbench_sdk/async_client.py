"""`AsyncMarketingClient`: the same client for asyncio."""

import asyncio
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import Any, TypedDict, Unpack

from growthbench_sdk.client import MarketingClient, in_thread
from growthbench_sdk.counts import Counts
from growthbench_sdk.event_calls import EventCalls
from growthbench_sdk.problem import Problem
from growthbench_sdk.results import NotAvailable, Recommendations, Score


class Settings(TypedDict, total=False):
    """The settings of `MarketingClient`."""

    secret_key: str | None
    on_error: Callable[[Problem], Any] | None
    disk_queue: str | os.PathLike[str] | None
    max_queue: int
    max_queue_bytes: int
    flush_at: int
    flush_interval_s: float
    timeout_s: float
    read_timeout_s: float
    exit_timeout_s: float
    retry_first_s: float
    retry_longest_s: float


class Queued(int):
    """True if the message was taken in; may be awaited, need not be: a forgotten ``await`` loses nothing."""

    def __await__(self) -> Generator[None, None, bool]:
        return bool(self)
        yield

    def __repr__(self) -> str:
        return repr(bool(self))


class AsyncMarketingClient(EventCalls[Queued]):
    """`MarketingClient` for asyncio: same parameters, same promises, ``await`` where something is waited for.

    The messages leave by a thread of the client's own, so that a busy event loop delays no delivery and a slow server
    delays no event loop.

    Examples
    --------
    >>> async def main():
    ...     async with AsyncMarketingClient("gbw_key", "http://127.0.0.1:9", exit_timeout_s=0) as client:
    ...         return await client.track("user_123", "page_view", {"page": "/pricing"})
    >>> asyncio.run(main())
    True
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = "http://127.0.0.1:3000",
        app_id: str | None = None,
        **settings: Unpack[Settings],
    ):
        self._client = MarketingClient(api_key, base_url, app_id, **settings)

    async def scores(self, user_id: str | int, tasks: str | Sequence[str]) -> dict[str, Score | NotAvailable]:
        """See `MarketingClient.scores`."""
        names = self._client.names(tasks)
        found = await self._answer(self._client.start_scores(user_id, names))
        return dict.fromkeys(names, found) if isinstance(found, NotAvailable) else found

    async def get_recommendations(
        self, user_id: str | int, context: str | None = None, limit: int | None = None
    ) -> Recommendations | NotAvailable:
        """See `MarketingClient.get_recommendations`."""
        asked = self._client.start_recommendations(user_id, context, limit)
        found: Recommendations | NotAvailable = await self._answer(asked)
        return found

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """See `MarketingClient.flush`."""
        return await asyncio.wrap_future(in_thread(lambda: self._client.flush(timeout_s)))

    async def close(self, timeout_s: float | None = None) -> bool:
        """See `MarketingClient.close`."""
        return await asyncio.wrap_future(in_thread(lambda: self._client.close(timeout_s)))

    @property
    def counts(self) -> Counts:
        """What became of the messages so far."""
        return self._client.counts

    async def __aenter__(self) -> "AsyncMarketingClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _send(self, *args: Any, **fields: Any) -> Queued:
        return Queued(self._client._send(*args, **fields))

    async def _answer(self, future: "Future[Any]") -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._client.read_timeout_s)
        except TimeoutError:
            return self._client.too_late()
