"""What was looked up lately, in bounded memory."""

from typing import Any


class Remembered:
    """A mapping that holds about the last ``size`` keys used; safe between threads.

    Two generations instead of a linked list: a hit is one dictionary look-up, and when the young one is full, the old
    one is forgotten whole.

    Parameters
    ----------
    size : int
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, size: int):
        self._half = max(1, size // 2)
        self._young: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        """The value of a key, or None."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: Any, value: Any) -> None:
        """Remember a value (not None)."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
