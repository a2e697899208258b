"""Which runs were trained on people who have been erased since: noted in the home, told by whoever shows runs.

The simplest thing that is true: an erasure notes when it was, which sources lost rows (the store's log, an imported
file), when the log had first heard of the person, and which evaluations of runs in this home lost rows. A run has lost
people if its evaluation did, or if it was made from such a source between the two moments. Whether the person was among
the rows that the run looked at is known only in the first case; the second says "may".
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from growthbench.base.clock import to_iso

_NAME = "erasures.jsonl"


@dataclass(frozen=True)
class Note:
    """One erasure, as far as runs go; it names nobody.

    Attributes
    ----------
    receipt_id, tenant : str
    erased_at : int
        UTC µs.
    first_received : int
        When the log first heard of the person, UTC µs.
    sources : tuple of str
        Sources that lost rows, such as ``store``.
    runs : tuple of str
        Ids of runs whose evaluation lost rows.
    """

    receipt_id: str
    tenant: str
    erased_at: int
    first_received: int
    sources: tuple[str, ...]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lost:
    """What a run has lost: erasures that took rows of its evaluation, and such as may have been in its data."""

    surely: int
    maybe: int
    last: int

    def __str__(self) -> str:
        told = []
        if self.surely:
            told.append(f"{self.surely} of its people {'was' if self.surely == 1 else 'were'} erased since")
        if self.maybe:
            told.append(f"{self.maybe} erased since may have been in its data")
        return f"{' and '.join(told)} (last on {to_iso(self.last)[:10]}): it cannot be repeated exactly"


def note(home: Path, one: Note) -> None:
    """Write an erasure down; of one receipt only once."""
    if any(known.receipt_id == one.receipt_id for known in notes(home)):
        return
    home.mkdir(parents=True, exist_ok=True)
    with (home / _NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(one)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def notes(home: Path) -> list[Note]:
    """All erasures noted in a home, the oldest first."""
    path = home / _NAME
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    told = [json.loads(line) for line in lines if line.strip()]
    return [Note(**one | {"sources": tuple(one["sources"]), "runs": tuple(one["runs"])}) for one in told]


def lost_people(home: Path, run_id: str, data: str, started_at: int) -> Lost | None:
    """What a run has lost since it was made; None if nothing is known to be missing.

    Parameters
    ----------
    home : Path
    run_id : str
    data : str
        Its source as it was named: ``store``, ``import:PATH``, ``world:b2b`` ...
    started_at : int
        UTC µs.
    """
    later = [one for one in notes(home) if one.erased_at > started_at]
    surely = [one for one in later if run_id in one.runs]
    maybe = [one for one in later if one not in surely and data in one.sources and one.first_received <= started_at]
    if not surely and not maybe:
        return None
    return Lost(len(surely), len(maybe), max(one.erased_at for one in (*surely, *maybe)))
