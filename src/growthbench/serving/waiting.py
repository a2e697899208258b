"""Answers that take their time: whoever waits may go away, and then nobody goes on working for them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

from growthbench.serving.bodies import ClientGoneError
from growthbench.serving.http import StreamReply

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Result = TypeVar("Result")


async def while_there(receive: Receive, work: Awaitable[Result], limit_s: float) -> Result:
    """The result of some work that is cancelled when the client goes away or the time is up.

    Raises
    ------
    ClientGoneError
    TimeoutError
    """
    gone, running = asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(work)
    try:
        await asyncio.wait({gone, running}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        if gone.done():
            raise ClientGoneError
        raise TimeoutError
    finally:
        await _ended(gone, running)


async def stream_out(reply: StreamReply, receive: Receive, send: Send, headers: list) -> None:
    """Send an answer part by part, until it ends or nobody listens any more."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        async with contextlib.aclosing(reply.parts) as parts:
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            while (part := await _next(parts, gone)) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        await _ended(gone)


async def _next(parts: Any, gone: asyncio.Future) -> bytes | None:
    step = asyncio.ensure_future(anext(parts, None))
    try:
        await asyncio.wait({gone, step}, return_when=asyncio.FIRST_COMPLETED)
        return step.result() if step.done() else None
    finally:
        await _ended(step)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future) -> None:
    """Cancel what runs and see it end: what it holds is given back by then."""
    for task in tasks:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
