"""Lakes of a home: files of the log, written anew without an erased person."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from growthbench.base.jsonio import read_json
from growthbench.people.subject import Subject

STORE = "store-"
_OTHERS = ("event_id",)


@dataclass
class Lakes:
    """The lake of the tenant's log, and the lakes of imported files; simulated and public people stay.

    Attributes
    ----------
    home : Path
    touched : list of str
        Sources that lost rows: ``store`` or ``import:PATH``; what was trained on them before is not what they are now.
    """

    home: Path
    name: str = "lakes"
    touched: list[str] = field(default_factory=list)

    def erase(self, subject: Subject) -> int:
        """Write files anew; returns the number of rows removed and texts masked."""
        from growthbench.operations.parquet_rows import without

        done = 0
        for source, path in self._files(subject.tenant):
            if changed := sum(without(path, subject, _keys(source, subject), _OTHERS)):
                done += changed
                self.touched += [source] * (source not in self.touched)
        return done

    def find(self, subject: Subject) -> int:
        """Count rows about the subject."""
        from growthbench.operations.parquet_rows import rows_about

        files = self._files(subject.tenant)
        return sum(rows_about(path, subject, _keys(source, subject), _OTHERS) for source, path in files)

    def _files(self, tenant: str) -> Iterator[tuple[str, Path]]:
        for lake in sorted((self.home / "lakes").glob("*")):
            source = _source(lake, tenant)
            if source is not None:
                yield from ((source, path) for path in sorted(lake.rglob("*.parquet")))


def _keys(source: str, subject: Subject) -> tuple[str, ...]:
    """The store's lake has its keys; that of an imported file has the file's ids."""
    return subject.persons if source == "store" else subject.names


def _source(lake: Path, tenant: str) -> str | None:
    """Where a lake's people come from; None for those who are nobody's customers."""
    if lake.name.startswith(STORE):
        return "store" if lake.name == f"{STORE}{tenant}" else None
    told = lake / "source.json"
    source = read_json(told)["source"] if told.is_file() else "import:?"
    return source if source.startswith("import:") else None
