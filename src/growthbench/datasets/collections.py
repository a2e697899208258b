"""Retrieval collections: documents, questions, and which documents answer which question."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.datasets.loading import contents_of
from growthbench.datasets.registry import Entry, entry


@dataclass(frozen=True)
class Page:
    """One document of a collection."""

    page_id: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    question_id, text : str
    relevant : frozenset of str
        Pages that were judged relevant; empty where nothing in the collection answers it.
    kind : str
        ``answerable``, ``near_miss`` or ``unanswerable``.
    split : str
        ``tune`` or ``report``; "" where the collection has none.
    passages : tuple of (str, str)
        Page and exact text of each passage that is needed for the answer.
    answer : str
    """

    question_id: str
    text: str
    relevant: frozenset[str]
    kind: str = "answerable"
    split: str = ""
    passages: tuple[tuple[str, str], ...] = ()
    answer: str = ""


@dataclass(frozen=True, repr=False)
class Collection:
    """Documents with judged questions, and their story."""

    name: str
    pages: tuple[Page, ...]
    questions: tuple[Question, ...]
    licence: str
    origin: str
    data_hash: str
    changes: tuple[str, ...] = field(default=())
    cautions: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<Collection {self.name}: {len(self.pages):,} pages, {len(self.questions):,} questions>"


def load_collection(name: str, data_home: str | os.PathLike | None = None) -> Collection:
    """A retrieval collection: ``cranfield`` (1,400 abstracts), ``cisi`` (1,460), ``docs-mautic`` (128 pages).

    Parameters
    ----------
    name : str
    data_home : path, optional
        Folder that holds the files or shall hold them; default ``GROWTHBENCH_DATA_HOME``.

    Returns
    -------
    Collection
        Questions without any judgement are left out, but for those that are known to have no answer.

    Raises
    ------
    UnknownNameError, DataFormatError, NotReadyError
        As `load`.
    BadInputError
        It is no retrieval collection.
    """
    found = entry(name)
    if found.kind != "retrieval":
        raise BadInputError(f"{name} is a {found.kind}, not a retrieval collection: use load", field="dataset")
    contents = contents_of(found, data_home)
    pages, questions = _READERS[found.read["format"]](found, contents)
    return Collection(
        name=name,
        pages=tuple(pages),
        questions=tuple(questions),
        licence=found.licence,
        origin=found.origin,
        data_hash=digest(canonical(dict(found.read)), *(part for item in contents.items() for part in item)),
        changes=found.changes,
        cautions=found.cautions,
    )


def _smart(found: Entry, contents: Mapping[str, bytes]) -> tuple[list[Page], list[Question]]:
    """The format of the SMART system: ``.I`` begins a record, ``.T .W`` its fields; judgements are pairs of numbers."""
    read = found.read
    pages = []
    for number, fields in _records(contents[read["documents"]]):
        title, text = _flat(fields.get("T", "")), fields.get("W", "")
        body = _without(title, text)
        if title or body:
            pages.append(Page(number, title, body or title))
    relevant: dict[int, set[str]] = {}
    for line in contents[read["judgements"]].decode().splitlines():
        number, page, *code = line.split() or ["0", ""]
        # Cranfield's third column is a code of which the positive ones mean relevant; CISI's is always 0
        if page and (found.name == "cisi" or int(code[0]) > 0):
            relevant.setdefault(int(number), set()).add(page)
    asked = enumerate(_records(contents[read["questions"]]), start=1)
    return pages, [
        Question(str(place), _flat(f"{fields.get('T', '')} {fields.get('W', '')}"), frozenset(relevant[place]))
        for place, (_, fields) in asked
        if place in relevant
    ]


def _records(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    for block in re.split(r"(?m)^\.I ", text)[1:]:
        number, _, rest = block.partition("\n")
        parts = re.split(r"(?m)^\.([A-Z])[ \t]*$", rest)
        yield number.strip(), {name: text.strip() for name, text in zip(parts[1::2], parts[2::2])}


def _without(title: str, text: str) -> str:
    """The text without the title that opens it again, word for word."""
    words, lead = title.split(), text.split()[: len(title.split())]
    if not words or words != lead:
        return text
    at = 0
    for word in words:
        at = text.index(word, at) + len(word)
    return text[at:].strip()


def _flat(text: str) -> str:
    return " ".join(text.split())


_FRONT = re.compile(r"\A---\s*\n(.*?)\n---[ \t]*\n", re.DOTALL)


def _mautic(found: Entry, contents: Mapping[str, bytes]) -> tuple[list[Page], list[Question]]:
    import yaml

    pages = []
    for row in _objects(contents, found.read["documents"]):
        front = _FRONT.match(row["text"])
        facts = yaml.safe_load(front[1]) if front else {}
        body = row["text"][front.end() :] if front else row["text"]
        pages.append(Page(row["path"], str((facts or {}).get("title") or row["path"]), body.strip("\n")))
    return pages, [_asked(row) for row in _objects(contents, found.read["questions"])]


def _asked(row: dict) -> Question:
    texts = row.get("passage", [])
    texts = texts if isinstance(texts, list) else [texts]
    where = row.get("page", [])
    where = where if isinstance(where, list) else [where] * len(texts)
    return Question(
        row["id"],
        row["question"],
        frozenset(where) | frozenset(row.get("other_pages", ())),
        row["kind"],
        row["split"],
        tuple(zip(where, texts, strict=True)),
        row.get("answer", ""),
    )


def _objects(contents: Mapping[str, bytes], path: str) -> list[dict]:
    try:
        return [json.loads(line) for line in contents[path].decode().split("\n") if line.strip()]
    except ValueError as exc:
        raise DataFormatError(f"{path} must hold one JSON object a line: {exc}") from exc


_READERS = {"smart": _smart, "mautic": _mautic}
