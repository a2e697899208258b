"""From a file or folder to documents: the reader by suffix, the facts from the file or from a note beside it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from growthbench.base.errors import BadInputError, DataFormatError, NotFoundError, TooLargeError
from growthbench.knowledge.documents import COLLECTIONS, Document
from growthbench.knowledge.readers.docx import read_docx
from growthbench.knowledge.readers.html import read_html
from growthbench.knowledge.readers.markdown import read_markdown
from growthbench.knowledge.readers.pdf import read_pdf
from growthbench.knowledge.readers.plain import read_csv, read_plain, text_of
from growthbench.knowledge.readers.raw import Raw

READERS: dict[str, Callable[[bytes, str], Raw]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".csv": read_csv,
    ".docx": read_docx,
    ".txt": read_plain,
}
"""Reader by suffix; other files of a folder are passed over."""

NOTE = ".meta.yaml"
"""``prices.csv.meta.yaml`` says about ``prices.csv`` what front matter says about a Markdown file, and wins over it."""

LARGEST_BYTES = 32 * 1024 * 1024
_OWN = frozenset(("title", "date", "collection", "roles", "id", "source"))


@dataclass(frozen=True)
class Refused:
    """A file that could not be read, and why."""

    document_id: str
    reason: str


def files_of(folder: str | os.PathLike) -> list[Path]:
    """Files below a folder that a reader knows, in order; hidden ones are left out."""
    root = Path(folder)
    found = (p for p in root.rglob("*") if p.suffix.lower() in READERS and p.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(root).parts))


def read_folder(
    folder: str | os.PathLike, collection: str | None = None
) -> Iterator[tuple[str, Callable[[], Document]]]:
    """Id and reading of every file below a folder; one that cannot be read raises when it is read, not before.

    Raises
    ------
    NotFoundError
        No such folder.
    DataFormatError
        It holds nothing that a reader knows.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotFoundError(f"{root} is no folder: give the folder that holds the documents")
    files = files_of(root)
    if not files:
        raise DataFormatError(f"{root} holds no document: known are {' '.join(READERS)}")
    for path in files:
        name = path.relative_to(root).as_posix()
        yield name, lambda path=path, name=name: read_file(path, name, collection)


def read_file(path: str | os.PathLike, document_id: str | None = None, collection: str | None = None) -> Document:
    """One file as a document.

    Parameters
    ----------
    path : path
    document_id : str, optional
        Default: what the file calls its ``id``, else its name.
    collection : str, optional
        For a file that does not name one and lies in no folder named like one of `COLLECTIONS`.

    Raises
    ------
    DataFormatError
        It cannot be read as what its suffix says, or what it says about itself cannot be.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path} is no file")
    name = document_id or path.name
    if (size := path.stat().st_size) > LARGEST_BYTES:
        raise TooLargeError(f"{name} has {size:,} bytes; a document may have {LARGEST_BYTES:,}: split it", field="file")
    raw = _reader(path)(path.read_bytes(), name)
    facts = raw.facts | _note(path)
    if not raw.text.strip():
        raise DataFormatError(f"{name} holds no text")
    return Document(
        document_id=document_id or str(facts.get("id") or path.name),
        collection=_collection(facts, name, path, collection),
        title=str(facts.get("title") or _spoken(path.stem)).strip(),
        text=raw.text,
        source=str(facts.get("source") or name),
        date=_day(facts.get("date"), name),
        roles=_roles(facts.get("roles"), name),
        metadata={str(k): _plain(v) for k, v in facts.items() if k not in _OWN} | {"format": path.suffix.lower()[1:]},
    )


def _reader(path: Path) -> Callable[[bytes, str], Raw]:
    try:
        return READERS[path.suffix.lower()]
    except KeyError:
        raise DataFormatError(
            f"{path.name}: no reader for {path.suffix or 'files without a suffix'!r}; known are {' '.join(READERS)}"
        ) from None


def _note(path: Path) -> dict[str, Any]:
    note = path.with_name(path.name + NOTE)
    if not note.is_file():
        return {}
    front = f"---\n{text_of(note.read_bytes(), note.name)}\n---\n"
    return read_markdown(front.encode(), note.name).facts


def _collection(facts: dict, name: str, path: Path, default: str | None) -> str:
    folders = [*PurePosixPath(name).parts[:-1], path.parent.name]
    found = facts.get("collection") or next((f for f in folders if f in COLLECTIONS), default)
    if found not in COLLECTIONS:
        said = f"it says {found!r}" if found else "it names none"
        raise BadInputError(
            f"{name}: of which collection is it? {said}; put it into a folder, or give it a line 'collection:', "
            f"named {', '.join(COLLECTIONS)}",
            field="collection",
        )
    return found


def _day(value: Any, name: str) -> str | None:
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return datetime.fromisoformat(str(value).strip()).date().isoformat()
    except ValueError as exc:
        raise DataFormatError(f"{name}: date must be a day like 2026-03-31, found {value!r}") from exc


def _roles(value: Any, name: str) -> tuple[str, ...]:
    """Empty means everybody, so what cannot be understood is refused rather than taken for it."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list) or not all(isinstance(r, str) and r.strip() for r in value):
        raise DataFormatError(f"{name}: roles must be a list of names, found {value!r}")
    return tuple(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | bool | None | float) else str(value)


def _spoken(stem: str) -> str:
    """``channel-costs-2026`` as a title: Channel costs 2026."""
    words = " ".join(stem.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:]
