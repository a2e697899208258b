"""What was said in one `speaking` block: by whom, for how much."""

import threading

from growthbench.language.calls import ANSWERED, LOST, Call
from growthbench.language.models import OFFLINE
from growthbench.ledger.micros import dollars


class Speech:
    """The calls of one block; grows while it runs, from any thread.

    Examples
    --------
    ::

        with language.speaking(settings, store) as speech:
            reply = program(question="...")
        speech.written_by, speech.cost, speech.tokens
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def __repr__(self) -> str:
        return f"Speech({self.written_by}, {len(self._calls)} calls, {self.tokens} tokens, {dollars(self.cost)} USD)"

    def add(self, call: Call) -> None:
        """Note a call that has ended."""
        with self._lock:
            self._calls.append(call)

    @property
    def calls(self) -> list[Call]:
        """All calls, in the order in which they ended."""
        with self._lock:
            return list(self._calls)

    @property
    def written_by(self) -> str | None:
        """Whose words the replies are: a model, ``offline``, several joined by commas; None if there is no reply."""
        names = dict.fromkeys(call.written_by for call in self.calls if call.written_by)
        return ", ".join(names) or None

    @property
    def offline(self) -> bool:
        """Whether every reply was written offline."""
        return self.written_by == OFFLINE

    @property
    def cost(self) -> int:
        """Micro-USD booked."""
        return sum(call.cost for call in self.calls)

    @property
    def tokens(self) -> int:
        """Tokens billed, in and out."""
        return sum(call.input_tokens + call.output_tokens for call in self.calls if call.state in (ANSWERED, LOST))

    def told(self) -> dict:
        """Plain data for a trace or a result."""
        return {
            "written_by": self.written_by,
            "cost_usd": dollars(self.cost),
            "tokens": self.tokens,
            "calls": len(self.calls),
            "cached": sum(call.cached for call in self.calls),
            "faults": [call.error for call in self.calls if call.error],
        }
