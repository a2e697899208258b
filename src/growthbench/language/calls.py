"""The trace of every attempt to have something written, kept in step with the ledger.

A call that costs has its row in ``llm_calls`` from the moment its money is reserved, in the same transaction; booking
and trace end in one transaction, too. So the sum of the traces is the ledger's sum at any moment, whoever dies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from growthbench.base.clock import now_us
from growthbench.base.ids import new_id
from growthbench.language.reply_cache import ReplyCache
from growthbench.language.wire import Reply
from growthbench.ledger.ledger import BOOK, Ledger
from growthbench.ledger.reservation import Lapsed, Reservation
from growthbench.store.engine import Store
from growthbench.store.ledger_tables import llm_calls

ANSWERED, FAILED, LOST, OPEN = "answered", "failed", "lost", "open"
CACHED, REPLAYED = "cached", "replayed"


@dataclass(frozen=True)
class Call:
    """One attempt.

    Attributes
    ----------
    call_id : str
    at : int
        UTC µs.
    agent, run : str or None
    kind, priority : str
    program : str or None
        Name of the signature.
    model : str
        Who was asked.
    written_by : str or None
        Whose words the reply is: the model's name, ``offline``; None if there is no reply.
    state : str
        open, answered, failed, lost, cached, offline or replayed.
    attempt : int
        At this model, from 1; 0 if nobody was asked.
    input_tokens, output_tokens : int
        As billed; 0 for what costs nothing.
    cost : int
        Micro-USD.
    latency_us : int
    cached : int
        1 if the reply came from the response cache.
    prompt_bytes : int
    request_hash : str
        Of the masked request.
    error : str or None
    """

    call_id: str
    at: int
    agent: str | None
    run: str | None
    kind: str
    priority: str
    program: str | None
    model: str
    prompt_bytes: int
    request_hash: str
    state: str = OPEN
    written_by: str | None = None
    attempt: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    latency_us: int = 0
    cached: int = 0
    error: str | None = None

    def again(self, model: str, attempt: int) -> "Call":
        """The next attempt of the same request."""
        return replace(self, call_id=new_id("llm"), at=now_us(), model=model, attempt=attempt)


class CallBook:
    """Writes the trace of one tenant's calls.

    Parameters
    ----------
    store : Store
    tenant : str
    scopes : mapping
        For the ledger's limits.
    """

    def __init__(self, store: Store, tenant: str, scopes: Mapping[str, str | None]):
        self.store, self.tenant, self.scopes = store, tenant, scopes
        self.ledger = Ledger(store)

    def open(self, call: Call, bound: int, lease_s: float) -> Reservation:
        """Reserve what a call may cost; BudgetError leaves nothing behind."""
        with self.store.writing() as connection:
            held = self.ledger.reserve_in(
                connection, self.tenant, self.scopes, bound, call.call_id, lease_s=lease_s, if_lost=BOOK
            )
            self._note_lapsed(connection, held.lapsed)
            connection.execute(insert(llm_calls).values(tenant_id=self.tenant, **asdict(call)))
        return held

    def answered(
        self, call: Call, held: Reservation, reply: Reply | None = None, cache: ReplyCache | None = None
    ) -> None:
        """Book a call that was answered, and keep the reply where there is a cache."""
        with self.store.writing() as connection:
            self.ledger.commit_in(connection, held, call.cost)
            self._settle(connection, call)
            if cache is not None:
                cache.keep(connection, call.model, call.request_hash, reply)

    def failed(self, call: Call, held: Reservation) -> None:
        """Give a call's money back."""
        with self.store.writing() as connection:
            self.ledger.release_in(connection, held)
            self._settle(connection, call)

    def lost(self, call: Call, held: Reservation) -> None:
        """Book a call at its bound: it may be billed."""
        with self.store.writing() as connection:
            self.ledger.commit_in(connection, held, call.cost)
            self._settle(connection, call)

    def free(self, calls: Iterable[Call]) -> None:
        """Trace calls that cost nothing."""
        rows = [{"tenant_id": self.tenant, **asdict(call)} for call in calls]
        if rows:
            with self.store.writing() as connection:
                connection.execute(insert(llm_calls), rows)

    def _settle(self, connection: Connection, call: Call) -> None:
        told = {k: v for k, v in asdict(call).items() if k != "call_id"}
        mine = (llm_calls.c.tenant_id == self.tenant, llm_calls.c.call_id == call.call_id)
        connection.execute(update(llm_calls).where(*mine).values(**told))

    def _note_lapsed(self, connection: Connection, lapsed: Iterable[Lapsed]) -> None:
        said = "its process was not heard of again; booked at its upper bound, since it may be billed"
        for key, booked in lapsed:
            mine = (llm_calls.c.tenant_id == self.tenant, llm_calls.c.call_id == key)
            connection.execute(update(llm_calls).where(*mine).values(state=LOST, cost=booked, error=said))


class Spending(NamedTuple):
    """Sums over calls; ``cost`` in micro-USD."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost: int


def spending(store: Store, tenant: str, *, agent: str | None = None, run: str | None = None) -> Spending:
    """What the trace of a tenant, an agent or a run sums up to."""
    columns = llm_calls.c
    where = [columns.tenant_id == tenant]
    where += [column == name for column, name in ((columns.agent, agent), (columns.run, run)) if name is not None]
    sums = [func.coalesce(func.sum(c), 0) for c in (columns.input_tokens, columns.output_tokens, columns.cost)]
    with store.reading() as connection:
        found = connection.execute(select(func.count(), *sums).select_from(llm_calls).where(*where)).one()
    return Spending(*(int(value) for value in found))


def settle_lapsed(store: Store, tenant: str) -> int:
    """Settle calls whose process died, in ledger and trace; the next call of the tenant does so by itself."""
    book = CallBook(store, tenant, {})
    with store.writing() as connection:
        lapsed = book.ledger.lapse_in(connection, tenant)
        book._note_lapsed(connection, lapsed)
    return len(lapsed)
