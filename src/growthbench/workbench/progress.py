"""One progress bar per piece of work, on stderr, gone when done; silent where nobody watches."""

import sys
from collections.abc import Callable


class Bars:
    """A progress callback ``(what, done, total)`` drawn by tqdm; close it, or use it as a context manager.

    Parameters
    ----------
    quiet : bool, optional
        Draw nothing; by default quiet unless stderr is a terminal or a notebook is running.
    """

    def __init__(self, quiet: bool | None = None):
        self.quiet = not (sys.stderr.isatty() or "ipykernel" in sys.modules) if quiet is None else quiet
        self._bar = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.quiet:
            return
        if self._bar is None or self._bar.desc != what:
            self.close()
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc=what, leave=False, file=sys.stderr)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def counting(self, what: str) -> Callable[[int], None]:
        """A callback for work of unknown length: called with how much was done since the last call."""

        def add(done: int) -> None:
            if self.quiet:
                return
            if self._bar is None or self._bar.desc != what:
                self.close()
                from tqdm.auto import tqdm

                self._bar = tqdm(desc=what, leave=False, file=sys.stderr, unit_scale=True)
            self._bar.update(done)

        return add

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *exc) -> None:
        self.close()
