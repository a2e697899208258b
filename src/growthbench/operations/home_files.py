"""Other files of a home that may tell of a person: refused rows of imports, evaluations of runs, files put there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from growthbench.people.subject import Subject, telling

_NOT_HERE = ("lakes", "models", "backups", "datasets")
_OURS = ("growthbench.db", "keyring.json", "keyring.check")
_LINES = (".jsonl", ".ndjson", ".csv", ".log", ".txt")
_RUN = re.compile(r"/mlruns/(?:.*/)?([0-9a-f]{32})/")
_PIECE = 1 << 22


@dataclass
class HomeFiles:
    """Files under a home, but for the store itself, lakes, models, backups and public data, which have their own ways.

    Lines of text files and rows of Parquet files are removed. What else holds an id is left and told.

    Attributes
    ----------
    home : Path
    left : list of str
        Files that hold an id and are of no kind that can be rewritten.
    runs : list of str
        Runs whose evaluation lost rows.
    """

    home: Path
    name: str = "files"
    left: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)

    def erase(self, subject: Subject) -> int:
        """Rewrite files; returns the number of lines and rows removed."""
        from growthbench.operations.parquet_rows import without

        done = 0
        for path in self._files():
            if path.suffix == ".parquet":
                if removed := sum(without(path, subject, _keys(subject))):
                    done += removed
                    self.runs += _RUN.findall(path.as_posix())[:1]
            elif _holds_bytes(path, subject):
                if path.suffix in _LINES:
                    done += _without_lines(path, subject)
                else:
                    self.left.append(f"{path.relative_to(self.home)}: holds an id, and is no file of rows or lines")
        return done

    def find(self, subject: Subject) -> int:
        """Count rows and lines about the subject (of ids known by digest: in files of lines and rows only)."""
        from growthbench.operations.parquet_rows import rows_about

        found = 0
        for path in self._files():
            if path.suffix == ".parquet":
                found += rows_about(path, subject, _keys(subject))
            elif path.suffix in _LINES:
                found += sum(subject.mentions(line) for line in _lines(path))
            elif subject.needles:
                found += _holds_bytes(path, subject)
        return found

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.home.rglob("*")):
            inside = path.relative_to(self.home)
            ours = inside.name.startswith(_OURS) and len(inside.parts) == 1
            if path.is_file() and inside.parts[0] not in _NOT_HERE and not ours and path.suffix != ".part":
                yield path


def _keys(subject: Subject) -> tuple[str, ...]:
    """Person keys, and ids that cannot be taken for a simulated person's."""
    return (*subject.persons, *filter(telling, subject.needles))


def _holds_bytes(path: Path, subject: Subject) -> bool:
    needles = [n.encode() for n in subject.needles if telling(n)]
    if path.suffix in _LINES:
        needles += [f'"{n}"'.encode() for n in subject.needles]
    return any(holds_bytes(path, needle) for needle in needles)


def holds_bytes(path: Path, needle: bytes) -> bool:
    """Whether a file holds some bytes, in either case of ASCII letters; read piece by piece."""
    needle, kept = needle.lower(), b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if needle in (kept + piece).lower():
                return True
            kept = piece[-len(needle) :]
    return False


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        yield from file


def _without_lines(path: Path, subject: Subject) -> int:
    draft = path.with_name(f".{path.name}.part")
    removed = 0
    with draft.open("w", encoding="utf-8", errors="surrogateescape", newline="") as kept:
        for line in _lines(path):
            if subject.mentions(line):
                removed += 1
            else:
                kept.write(line)
    draft.replace(path)
    return removed
