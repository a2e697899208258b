"""Refused rows, kept for repair: one JSON object a line with row number, reason and the row as it was."""

import json
from collections import Counter
from pathlib import Path
from typing import Any


class Quarantine:
    """Writes refused rows in order; the file appears whole at the end or not at all.

    A run that is killed leaves ``.NAME.part``, which the next run overwrites.

    Parameters
    ----------
    path : Path or None
        Where the rows go; None only counts them.

    Attributes
    ----------
    reasons : Counter
        How many rows were refused for which reason.
    first : dict or None
        The first refused row.
    """

    def __init__(self, path: Path | None):
        self.path = None if path is None else Path(path)
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, Any] | None = None
        self._file = None

    @property
    def count(self) -> int:
        """Rows refused so far."""
        return self.reasons.total()

    def add(self, row: int, reason: str, raw: Any) -> None:
        """Refuse one row."""
        self.reasons[reason] += 1
        line = {"row": row, "reason": reason, "raw": raw}
        self.first = self.first or line
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("w", encoding="utf-8", newline="\n")
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def finish(self) -> Path | None:
        """Put the file in its place and return it; without refused rows there is none, nor one of an earlier run."""
        if self.path is None:
            return None
        if self._file is None:
            self.path.unlink(missing_ok=True)
            self._part.unlink(missing_ok=True)
            return None
        self._file.close()
        self._part.replace(self.path)
        return self.path

    def discard(self) -> None:
        """Leave no trace."""
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")
