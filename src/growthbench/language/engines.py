"""DSPy's engine protocol around a speaker: synchronous, asynchronous, streaming."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from growthbench.language.speaker import Speaker


class SpeakerEngine:
    """Answers requests; a stream is the whole reply in pieces, since nothing is shown before it is checked and booked.

    Parameters
    ----------
    speaker : Speaker
    """

    def __init__(self, speaker: Speaker):
        self.speaker = speaker

    def complete(self, request):
        """One response."""
        return self.speaker.say(request)

    def stream(self, request) -> Iterator:
        """The response as events."""
        yield from _in_pieces(self.complete(request))

    def close(self) -> None:
        """Nothing of its own to close."""


class AsyncSpeakerEngine:
    """The same for coroutines: the work is done in a thread, so that a slow model blocks nobody."""

    def __init__(self, speaker: Speaker):
        self.speaker = speaker

    async def complete(self, request):
        """One response."""
        return await asyncio.to_thread(self.speaker.say, request)

    async def stream(self, request) -> AsyncIterator:
        """The response as events."""
        for event in _in_pieces(await self.complete(request)):
            yield event

    async def aclose(self) -> None:
        """Nothing of its own to close."""


def _in_pieces(response) -> Iterator:
    from dataclasses import replace

    from dspy.lm15 import response_to_events

    for event in response_to_events(response):
        text = getattr(getattr(event, "delta", None), "text", None)
        if event.type != "delta" or not text:
            yield event
            continue
        for piece in _words(text):
            yield replace(event, delta=replace(event.delta, text=piece))


def _words(text: str) -> list[str]:
    """A text in pieces that add up to it.

    >>> _words("one two\\n\\nthree ")
    ['one ', 'two\\n\\n', 'three ']
    """
    import re

    return re.findall(r"\s*\S+\s*|\s+", text)
