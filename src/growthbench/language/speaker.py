"""Answers the requests of one `speaking` block: mask, look in the cache, reserve, ask in order, book, unmask."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from growthbench.base.clock import now_us
from growthbench.base.errors import NotReadyError
from growthbench.base.ids import new_id
from growthbench.language import offline, providers
from growthbench.language.asking import Asking, now_asked
from growthbench.language.attempts import patiently, refuse_if_open, settling, since_us
from growthbench.language.calls import ANSWERED, CACHED, REPLAYED, Call, CallBook
from growthbench.language.costs import cost, input_bound
from growthbench.language.errors import ModelsUnavailableError, UnpricedModelError
from growthbench.language.masking import Mask
from growthbench.language.models import OFFLINE, ModelCard
from growthbench.language.providers import AttemptError
from growthbench.language.reply_cache import ReplyCache
from growthbench.language.settings import LanguageSettings, Patience
from growthbench.language.speech import Speech
from growthbench.language.transcripts import Transcript
from growthbench.language.wire import (
    Reply,
    changed_reply,
    prompt_bytes,
    request_data,
    request_hash,
    response_of,
    texts_of,
    with_texts,
)
from growthbench.ledger.limits import BudgetError
from growthbench.store.breaker import BreakerOpenError

THINKING_ROOM = 4_000
"""Tokens that a model with hidden reasoning gets on top of the reply."""


@dataclass(frozen=True)
class Work:
    """What a block is about: for the router, the limits and the trace."""

    tenant: str = "local"
    kind: str = "content_generation"
    priority: str = "quality"
    agent: str | None = None
    run: str | None = None


class Speaker:
    """Speaks for one block.

    Parameters
    ----------
    settings : LanguageSettings
    work : Work
    order : list of str
        Models to ask, ``offline`` among them if it may answer.
    patience : Patience
    speech : Speech
    book : CallBook or None
        None without a store: then nothing that costs is asked.
    cache : ReplyCache or None
    known : iterable of str
        Identifiers to mask.
    transcript : Transcript or None
    """

    def __init__(
        self,
        settings: LanguageSettings,
        work: Work,
        order: list[str],
        patience: Patience,
        speech: Speech,
        book: CallBook | None,
        cache: ReplyCache | None,
        known: Iterable[str] = (),
        transcript: Transcript | None = None,
    ):
        self.settings, self.work, self.order, self.patience = settings, work, order, patience
        self.speech, self.book, self.cache = speech, book, cache
        self.known, self.transcript = tuple(known), transcript
        self._free: list[Call] = []

    def say(self, request):
        """The response to a request.

        Raises
        ------
        BudgetError
            A limit does not leave enough for any model that may be asked.
        ModelsUnavailableError
            None of them answered.
        """
        asking = now_asked()
        turn = asking.turn()
        mask = Mask(texts_of(request), self.known)
        hidden = with_texts(request, mask.hide)
        data = request_data(hidden)
        call = self._call(asking, prompt_bytes(hidden), request_hash(data, turn))
        if self.transcript is not None and not self.transcript.recording:
            reply = self._replay(call)
        elif self.order == [OFFLINE]:
            reply = self._offline(call, asking)
        else:
            reply = self._in_order(call, asking, hidden, data)
        return response_of(changed_reply(reply, mask.show), request.model)

    def flush(self) -> None:
        """Write the trace of what cost nothing."""
        if self.book is not None:
            self.book.free(self._free)
        self._free.clear()

    def _call(self, asking: Asking, size: int, key: str) -> Call:
        work = self.work
        said = {"agent": work.agent, "run": work.run, "kind": work.kind, "priority": work.priority}
        return Call(
            new_id("llm"), now_us(), **said, program=asking.program, model="", prompt_bytes=size, request_hash=key
        )

    def _replay(self, call: Call) -> Reply:
        model, reply = self.transcript.find(call.request_hash, call.program)
        self._note_free(replace(call, model=model, written_by=model, state=REPLAYED))
        return reply

    def _offline(self, call: Call, asking: Asking) -> Reply:
        started = time.perf_counter()
        text = offline.written(asking)
        took = since_us(started)
        self._note_free(replace(call, model=OFFLINE, written_by=OFFLINE, state=OFFLINE, latency_us=took))
        return Reply(text, input_tokens=0, output_tokens=0)

    def _in_order(self, call: Call, asking: Asking, hidden, data) -> Reply:
        faults: list[str] = []
        short: BudgetError | None = None
        deadline = time.monotonic() + self.patience.deadline_s
        for name in self.order:
            if name == OFFLINE:
                return self._offline(call, asking)
            if faults and time.monotonic() >= deadline:
                faults.append(f"{name} was not asked: {self.patience.deadline_s:.0f} s are over")
                continue
            try:
                reply = self._by_model(name, call, hidden, deadline)
            except BudgetError as exc:
                short = short or exc
                faults.append(f"{name}: {exc}")
            except (AttemptError, BreakerOpenError, UnpricedModelError) as exc:
                if len(self.order) == 1 and isinstance(exc, UnpricedModelError):
                    raise
                faults.append(str(exc))
            else:
                if self.transcript is not None:
                    self.transcript.add(call.request_hash, call.program, name, data, reply)
                return reply
        raise short or ModelsUnavailableError(faults)

    def _by_model(self, name: str, call: Call, hidden, deadline: float) -> Reply:
        if self.book is None:
            raise NotReadyError(
                f"{name} costs money, and without a store no limit can hold: pass the store to speaking"
            )
        if (reply := self.cache.find(name, call.request_hash)) is not None:
            self._note_free(replace(call, model=name, written_by=name, state=CACHED, cached=1))
            return reply
        card = self.settings.card(name)
        most = input_bound(call.prompt_bytes, len(hidden.messages))
        if most > card.context:
            raise AttemptError(f"{name}: the prompt may be {most} tokens, its prices hold up to {card.context}")
        shaped = _shaped(hidden, card)
        bound = cost(card, most, shaped.config.max_tokens)
        return patiently(
            lambda number: self._attempt(card, call.again(name, number), shaped, most, bound), self.patience, deadline
        )

    def _attempt(self, card: ModelCard, call: Call, shaped, most: int, bound: int) -> Reply:
        breaker = providers.breaker_of(card, self.settings)
        refuse_if_open(breaker)
        started = time.perf_counter()
        with settling(self.book, call, bound, self.patience.timeout_s, self.speech.add) as settle:
            with breaker:
                shaped = replace(shaped, model=card.name)
                reply = providers.ask(card, self.settings, shaped, self.patience.timeout_s)
            inputs = most if reply.input_tokens is None else reply.input_tokens
            outputs = reply.output_tokens
            if outputs is None:  # the provider does not say: no more than there are bytes, or than were asked for
                outputs = min(len(reply.text.encode()) + 16, shaped.config.max_tokens)
            spent = cost(card, inputs, outputs, min(reply.cached_tokens or 0, inputs))
            reply = replace(reply, input_tokens=inputs, output_tokens=outputs)
            said = {"input_tokens": inputs, "output_tokens": outputs, "cost": spent, "latency_us": since_us(started)}
            settle(replace(call, state=ANSWERED, written_by=card.name, **said), reply, self.cache)
        return reply

    def _note_free(self, call: Call) -> None:
        self.speech.add(call)
        self._free.append(call)


def _shaped(request, card: ModelCard):
    """The request as this model takes it; the reply's length is always bounded, or no price would be."""
    most = request.config.max_tokens or 1_000
    most = min(most + (THINKING_ROOM if card.thinks else 0), card.output_limit)
    temperature = request.config.temperature if card.temperature else None
    return replace(request, config=replace(request.config, max_tokens=most, temperature=temperature))
