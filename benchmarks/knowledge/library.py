"""A library of exactly so many passages of real text: documentation, abstracts of two collections, a company's notes.

The pages of docs_mautic, Cranfield, CISI and the sample company make about half of 10,000 passages. What is missing is
made of further editions of the same pages, each with the edition in its title: the encoder reads and the search ranks
every one of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from growthbench.datasets import load_collection
from growthbench.knowledge.documents import Document
from growthbench.knowledge.evaluation.questions import read_questions
from growthbench.knowledge.passages import cut
from growthbench.knowledge.readers import read_folder

COMPANY = Path(__file__).parents[2] / "data" / "knowledge"
COLLECTIONS = ("docs-mautic", "cranfield", "cisi")


def pages() -> list[Document]:
    """Every page once."""
    found = [replace(read(), roles=()) for _, read in read_folder(COMPANY)]
    for name in COLLECTIONS:
        found += [Document(f"{name}/{p.page_id}", "product_docs", p.title, p.text) for p in load_collection(name).pages]
    return [page for page in found if page.text.strip()]


def real_documents(passages: int) -> list[Document]:
    """Documents of together so many passages; the last one may be cut short to meet the number."""
    chosen, missing = [], passages
    for document in _editions(pages()):
        pieces = cut(document)
        if len(pieces) > missing:
            document = replace(document, text=document.text[: pieces[missing - 1].end])
            if len(cut(document)) != missing:
                continue  # the cut moved with the end of the text: another page fits
            pieces = pieces[:missing]
        chosen.append(document)
        missing -= len(pieces)
        if not missing:
            return chosen
    raise AssertionError("editions never end")


def real_questions(count: int) -> list[str]:
    """Questions of these collections in turn, from the beginning again when they are used up."""
    company = [q.question for q in read_questions(COMPANY / "questions.jsonl")]
    sets = [company, *([q.text for q in load_collection(name).questions] for name in COLLECTIONS)]
    mixed = [group[i] for i in range(max(map(len, sets))) for group in sets if i < len(group)]
    return [mixed[i % len(mixed)] for i in range(count)]


def _editions(found: list[Document]) -> Iterator[Document]:
    yield from found
    for edition in count(2):
        for page in islice(found, len(found)):
            title = f"{page.title} (edition {edition})"
            yield replace(page, document_id=f"{edition}/{page.document_id}", title=title)
