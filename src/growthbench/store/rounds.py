"""A thread that does one thing again and again, until it is closed."""

import logging
import threading
from abc import ABC, abstractmethod

from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import GrowthbenchError

_log = logging.getLogger("growthbench.store")
_AFTER_TROUBLE_S = 1.0


class Rounds(ABC):
    """A background thread; a round that fails because the store is away is told and tried again.

    Parameters
    ----------
    name : str
        Of the thread, after ``growthbench-``.
    every_s : float
        Between two rounds.
    trouble : str
        What is said in the log when a round fails, such as ``profiles wait``.
    """

    def __init__(self, name: str, every_s: float, trouble: str):
        self._every_s, self._trouble = every_s, trouble
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"growthbench-{name}", daemon=True)

    @abstractmethod
    def look(self) -> object:
        """One round."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish the round under way and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.look()
            except (SQLAlchemyError, GrowthbenchError, OSError) as exc:
                _log.warning("%s: %s", self._trouble, str(exc).splitlines()[0] if str(exc) else type(exc).__name__)
                self._stop.wait(_AFTER_TROUBLE_S)
