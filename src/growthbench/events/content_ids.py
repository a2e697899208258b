"""Event ids for files without any: made of what the row says, so that the same row is the same event in every file."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SKIPPED = {"event_id", "day", "seq", "tenant_id"}


class ContentIds:
    """Ids of the rows of one file, piece after piece.

    The id is 128 bits of the SHA-256 of the row's fields; the second, third ... row with the same fields gets ``-2``,
    ``-3`` ... appended, so that true repetitions stay events of their own and importing the file again adds nothing.
    """

    def __init__(self):
        self._seen: list[np.ndarray] = []

    def of(self, events: dict[str, pa.Array], values: dict[str, pa.Array]) -> pa.Array:
        """Ids of the next rows.

        Parameters
        ----------
        events, values : dict of str to pyarrow.Array
            Columns, equally long, without U+0000 in texts.
        """
        named = {
            **{k: v for k, v in events.items() if k not in _SKIPPED},
            **{f"value.{k}": v for k, v in values.items()},
        }
        cells = [_cells(name, named[name]) for name in sorted(named)]
        rows = pc.binary_join_element_wise(*cells, "").to_pylist()
        digests = [hashlib.sha256(row.encode()).digest()[:16] for row in rows]
        count = self._count(np.array([int.from_bytes(d[:8], "big") for d in digests], np.uint64))
        return pa.array([d.hex() if k == 1 else f"{d.hex()}-{k}" for d, k in zip(digests, count.tolist())], pa.string())

    def _count(self, codes: np.ndarray) -> np.ndarray:
        """1 + how often each code came before, in this piece and in all earlier ones."""
        if not len(codes):
            return np.empty(0, np.int64)
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        count = np.empty(len(codes), np.int64)
        count[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes))) + 1
        for earlier in self._seen:
            count += np.searchsorted(earlier, codes, side="right") - np.searchsorted(earlier, codes, side="left")
        self._remember(ordered)
        return count

    def _remember(self, ordered: np.ndarray) -> None:
        # Sorted runs of doubling size: 8 bytes a row, and each row is merged a logarithmic number of times.
        self._seen.append(ordered)
        while len(self._seen) > 1 and len(self._seen[-2]) <= len(self._seen[-1]):
            merged = np.concatenate([self._seen.pop(), self._seen.pop()])
            merged.sort(kind="stable")
            self._seen.append(merged)


def _cells(name: str, column: pa.Array) -> pa.Array:
    """``name=text`` and U+0000 a cell, nothing where it is missing: no two rows of different content read alike."""
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    return pc.coalesce(pc.binary_join_element_wise(f"{name}=", text, "\x00", ""), "")
