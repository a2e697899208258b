"""What would make the first question wait is done before it comes, beside the service."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import select

from growthbench.serving.desk.state import DeskState
from growthbench.store.knowledge_tables import knowledge_heads

_MOST = 8  # tenants whose documents a `KnowledgeBase` holds in memory
_log = logging.getLogger("growthbench.serving")


def warm(state: DeskState) -> Callable[[], None]:
    """Load the programs, and the documents of the tenants with the most changes; returns what ends it."""
    stop = threading.Event()
    thread = threading.Thread(target=_warm, args=(state, stop), name="growthbench-warming", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(30)

    return end


def _warm(state: DeskState, stop: threading.Event) -> None:
    try:
        state.traces.start()
        from growthbench.language.dspy_ready import dspy_ready

        dspy_ready()
        from growthbench.knowledge import answer_program, answers  # noqa: F401  what the first answer would import

        heads = knowledge_heads.c
        with state.store.reading() as connection:
            busiest = connection.execute(select(heads.tenant_id).order_by(heads.version.desc()).limit(_MOST))
            tenants = list(busiest.scalars())
        for tenant in tenants:
            if stop.is_set():
                return
            state.base.complete(tenant, progress=False)  # vectors that a provider owed, or of one that is set now
            view = state.base.view(tenant)
            if state.base.reader is not None and view.passages:
                asked = view.passages[0].title or "documents"
                if state.base.encoder is state.base.reader:
                    state.base.search(asked, tenant=tenant, k=1)
                else:  # nobody pays for a question that nobody asked
                    state.base.reader.read(asked)
    except Exception:
        _log.exception("the Desk could not be warmed up; the first questions take longer")
