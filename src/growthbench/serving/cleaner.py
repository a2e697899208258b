"""The Door's thread that finishes erasures: rows go at once, files and the database's leavings a little later."""

import logging
import queue
import threading

from growthbench.base.errors import NotReadyError
from growthbench.operations.compaction import compact
from growthbench.operations.erasing import Eraser, touched
from growthbench.operations.receipts import Receipt, receipts
from growthbench.serving.state import State

_log = logging.getLogger("growthbench.serving")
_AGAIN_S = 60.0


class Cleaner:
    """Finishes erasures, all that wait with one compaction; those that an earlier process left unfinished first.

    Parameters
    ----------
    state : State
    again_s : float
        After which time an erasure that could not be finished is tried again.
    """

    def __init__(self, state: State, again_s: float = _AGAIN_S):
        self._state, self._again_s = state, again_s
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._done: dict[str, threading.Event] = {}
        self._thread = threading.Thread(target=self._run, name="growthbench-cleaner", daemon=True)
        self._thread.start()
        state.closing.append(self.close)

    def eraser(self, tenant: str) -> Eraser:
        """An eraser of a tenant."""
        state = self._state
        home, redis_url = state.settings.home, state.settings.redis_url
        return Eraser(state.store, home, state.keyring, tenant, state.commits, redis_url)

    def finish(self, tenant: str, receipt_id: str, wait_s: float) -> bool:
        """Have an erasure finished; whether it was within a while."""
        done = self._done.setdefault(receipt_id, threading.Event())
        self._waiting.put((tenant, receipt_id))
        return done.wait(wait_s)

    def close(self) -> None:
        """Stop after the one under way; the next process finishes the rest."""
        self._waiting.put(None)
        self._thread.join(30)

    def _run(self) -> None:
        self._finish(self._left_over())
        while True:
            try:
                tasks = [self._waiting.get(timeout=self._again_s)]
            except queue.Empty:
                self._finish(self._left_over())
                continue
            while not self._waiting.empty():
                tasks.append(self._waiting.get())
            self._finish([task for task in tasks if task is not None])
            if None in tasks:
                return

    def _left_over(self) -> list[tuple[str, str]]:
        try:
            with self._state.store.reading() as connection:
                return [(r.tenant, r.receipt_id) for r in receipts(connection, unfinished=True)]
        except Exception:
            _log.exception("erasures that are not finished cannot be read")
            return []

    def _finish(self, tasks: list[tuple[str, str]]) -> None:
        swept = [(task, receipt) for task in tasks if (receipt := self._try(task, "sweep")) is not None]
        try:
            if tables := {name for _, receipt in swept if not receipt.done for name in touched(receipt)}:
                compact(self._state.store, tables)
            for task, _ in swept:
                self._try(task, "close_off")
        except NotReadyError as exc:
            _log.warning("%d erasures are not finished yet: %s", len(swept), exc)
        except Exception:
            _log.exception("%d erasures cannot be finished now", len(swept))
        for _, receipt_id in tasks:
            if (done := self._done.pop(receipt_id, None)) is not None:
                done.set()

    def _try(self, task: tuple[str, str], step: str) -> Receipt | None:
        """One step of an erasure; if it fails the erasure stays unfinished, which the doctor tells."""
        tenant, receipt_id = task
        try:
            return getattr(self.eraser(tenant), step)(receipt_id)
        except Exception:
            _log.exception("erasure %s cannot be finished now", receipt_id)
            return None
