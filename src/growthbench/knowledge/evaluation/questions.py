"""Labelled questions, and the documents they were asked of."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from growthbench.base.errors import DataFormatError, NotFoundError
from growthbench.knowledge.documents import Document
from growthbench.knowledge.readers.markdown import read_markdown
from growthbench.knowledge.readers.raw import Raw

ANSWERABLE, NEAR_MISS, UNANSWERABLE = "answerable", "near_miss", "unanswerable"
KINDS = (ANSWERABLE, NEAR_MISS, UNANSWERABLE)


@dataclass(frozen=True)
class Gold:
    """A passage that answers: letter by letter, of one document."""

    document_id: str
    passage: str


@dataclass(frozen=True)
class LabelledQuestion:
    """One question and what is known of it.

    Attributes
    ----------
    key, kind, question, split : str
        ``kind`` is one of `KINDS`.
    golds : tuple of Gold
        All of them are needed; empty unless answerable.
    answer : str
    """

    key: str
    kind: str
    question: str
    golds: tuple[Gold, ...] = ()
    answer: str = ""
    split: str = ""


def read_questions(path: str | os.PathLike, split: str | None = None) -> list[LabelledQuestion]:
    """Questions of a JSON-lines file with ``id kind question`` and, if answerable, ``page passage answer``.

    Raises
    ------
    NotFoundError
    DataFormatError
        Names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"no questions at {path}")
    found = [_question(line, f"{path.name}:{i}") for i, line in enumerate(_lines(path), 1)]
    return [q for q in found if split in (None, q.split)]


def read_corpus(path: str | os.PathLike, collection: str = "product_docs") -> list[Document]:
    """Documents of a JSON-lines file with ``path`` and ``text`` (Markdown), such as docs_mautic/corpus.jsonl.

    Pages without text below their front matter are left out.
    """
    found = []
    for line in _lines(Path(path)):
        told = json.loads(line)
        raw = _page(told["text"], told["path"])
        if raw.text.strip():
            title = str(raw.facts.get("title") or told["path"])
            found.append(Document(told["path"], collection, title, raw.text, told["path"]))
    return found


def spans_of(golds: Sequence[Gold], texts: Mapping[str, str]) -> list[tuple[str, int, int]]:
    """``(document_id, start, end)`` of every labelled passage.

    Raises
    ------
    DataFormatError
        A passage is not in its document: label and documents are of different times.
    """
    spans = []
    for gold in golds:
        at = texts.get(gold.document_id, "").find(gold.passage)
        if at < 0:
            raise DataFormatError(f"{gold.document_id} does not hold the labelled passage {gold.passage[:60]!r}")
        spans.append((gold.document_id, at, at + len(gold.passage)))
    return spans


def _page(text: str, name: str) -> Raw:
    """Below its front matter; a page whose first block is none (a corpus is as it is) is taken whole."""
    try:
        return read_markdown(text.encode(), name)
    except DataFormatError:
        return Raw(text, {})


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _question(line: str, where: str) -> LabelledQuestion:
    try:
        told = json.loads(line)
        kind, passages = told["kind"], _list(told.get("passage"))
        pages = _list(told.get("page"))
        pages = pages * len(passages) if len(pages) == 1 else pages
        golds = tuple(Gold(page, passage) for page, passage in zip(pages, passages, strict=True))
        good = kind in KINDS and bool(golds) == (kind == ANSWERABLE)
        made = LabelledQuestion(
            told["id"], kind, told["question"], golds, told.get("answer") or "", told.get("split", "")
        )
    except (KeyError, ValueError, TypeError) as exc:
        raise DataFormatError(f"{where} is no labelled question: {exc!r}") from exc
    if not good:
        raise DataFormatError(f"{where}: kind is one of {', '.join(KINDS)}, and the answerable ones name page, passage")
    return made


def _list(value) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [value]
