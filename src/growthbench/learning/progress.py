"""Progress as callbacks of the form ``progress(what, done, total)``; who draws them is not known here."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


class Steps:
    """Counts steps of one piece of work and reports each.

    Parameters
    ----------
    progress : callable or None
    what : str
    total : int
    """

    def __init__(self, progress: Progress | None, what: str, total: int):
        self.progress, self.what, self.total, self.done = progress, what, total, 0

    def __call__(self) -> None:
        """One step more."""
        self.done += 1
        if self.progress:
            self.progress(self.what, min(self.done, self.total), self.total)
