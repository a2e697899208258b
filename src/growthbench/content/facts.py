"""What may be said: sentences of the documents about a brief, not out of date, not addressed to machines.

``facts`` are the nearest sentences, shown to the writer; ``pool`` is every sentence of the passages they are from: what
claims are held against. Both keep the exact characters of their document.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import NotFoundError
from growthbench.content.brief import PAGES, Brief
from growthbench.content.personal import personal_data
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.best_sentence import coverage
from growthbench.knowledge.citations import Citation
from growthbench.knowledge.directives import is_directive
from growthbench.knowledge.evidence import Evidence, Source, gather, rarity_in
from growthbench.knowledge.passages import Passage
from growthbench.knowledge.staleness import disagreeing, newer, stale_by_itself, superseded
from growthbench.knowledge.token_vectors import TokenShelf
from growthbench.text.analysis import stems, words
from growthbench.text.sentences import sentences

MOST = 14
"""Facts that a writer is shown."""
ENOUGH, ENOUGH_FOR_PAGES = 6, 12
"""Facts on the topic itself that make others needless."""
ABOUT = 0.4
"""Share of what was looked for, by the rarity of its words, that a passage must hold to be about it."""
NEAR = 0.62
"""Or its best sentence is so near by meaning (MaxSim)."""
FEWEST_WORDS, MOST_WORDS = 4, 45
_REFERS = re.compile(
    r"(?:It|They|This|That|These|Those|He|She|Then|There|Such|Both|Later|Here|Otherwise|Of them|The others)\b"
)
_WHOLE = re.compile(r"[.!?][\"”')\]]*$")


@dataclass(frozen=True)
class Fact:
    """A sentence of a document, with the one before it where it refers back to that.

    Attributes
    ----------
    number : int
    text : str
        The document's words in one line.
    heading : str
        Title and headings that it stands under.
    match : float
    citation : Citation
    """

    number: int
    text: str
    heading: str
    match: float
    citation: Citation


@dataclass(frozen=True)
class Pooled:
    """A sentence that claims may rest on; ``context`` is what it stands under and, where it refers back, after."""

    text: str
    heading: str
    context: str
    citation: Citation


@dataclass(frozen=True)
class Found:
    """What the documents say about a brief."""

    facts: tuple[Fact, ...]
    pool: tuple[Pooled, ...]
    searched: tuple[str, ...]
    note: str = ""


def find_facts(
    base: KnowledgeBase,
    brief: Brief,
    *,
    tenant: str,
    role: str | None = None,
    shelf: TokenShelf | None = None,
    today: str | None = None,
) -> Found:
    """Look a brief up.

    Raises
    ------
    NotFoundError
        No document that may be quoted is about it: nothing is written, rather than something made up.
    """
    today = today or to_iso(now_us())[:10]
    searched = tuple(dict.fromkeys(text for text in (brief.topic, brief.keyword, *brief.facts) if text))
    chosen: dict[str, tuple[float, Source]] = {}
    note = ""
    for question in searched:
        evidence = gather(base, question, tenant=tenant, role=role, collections=brief.collections, shelf=shelf)
        note = note or evidence.search.note
        for source in _usable(evidence, question, brief, today):
            before = chosen.get(source.passage.passage_id)
            if before is None or before[0] < source.match:
                chosen[source.passage.passage_id] = source.match, source
    sources = [source for _, source in sorted(chosen.values(), key=lambda two: -two[0])]
    texts = {d.document_id: d.text for d in base.view(tenant, role).documents}
    tainted = {s.passage.document_id: _tainted(texts[s.passage.document_id]) for s in sources}
    told = [
        one
        for source in sources
        for one in _sentences(source)
        if not _inside(one[3], one[4], tainted[source.passage.document_id])
    ]
    facts = _numbered(_on_topic(sorted(told, key=lambda one: -one[0]), " ".join(searched), brief.kind))
    if not facts:
        raise NotFoundError(
            f"no document that may be quoted says anything about {brief.topic!r}"
            f" ({', '.join(brief.collections)}): ingest one, name other collections, or change the topic"
        )
    pool = [one for source in sources for one in _pooled(source.passage)]
    pool = [one for one in pool if not _inside(one.citation.start, one.citation.end, tainted[one.citation.document_id])]
    return Found(facts, tuple(pool), searched, note)


def _tainted(text: str) -> list[tuple[int, int]]:
    """Paragraphs in which somebody gives orders to machines: what stands beside an order belongs to it."""
    spans = [found.span() for found in re.finditer(r"(?:[^\n]|\n(?!\s*\n))+", text)]
    return [
        (start, end)
        for start, end in spans
        if is_directive(text[start:end])
        or any(is_directive(text[start + a : start + b]) for a, b in sentences(text[start:end]))
    ]


def _inside(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < stop and begin < end for begin, stop in spans)


def _usable(evidence: Evidence, question: str, brief: Brief, today: str) -> Iterator[Source]:
    """Sources that are about the question, may be quoted, and that nothing newer speaks against."""
    replaced, rarity = superseded(evidence.view.passages), rarity_in(evidence.view)
    wanted = set(stems(question))
    for source in evidence.sources:
        passage = source.passage
        about = coverage(wanted, set(stems(passage.indexed)), rarity)
        near = source.best is not None and source.best.match >= NEAR
        if source.best is None or not (about >= ABOUT or near):
            continue
        if (
            (passage.roles and not brief.restricted)
            or passage.document_id in replaced
            or stale_by_itself(passage, today)
        ):
            continue
        yield _without_contradicted(source, evidence.sources)


def _without_contradicted(source: Source, others: Sequence[Source]) -> Source:
    theirs = [s for other in others if newer(other.passage, source.passage) for s in other.sentences]
    return replace(source, sentences=tuple(s for s in source.sentences if not disagreeing(s, theirs)))


def _sentences(source: Source) -> Iterator[tuple[float, str, Passage, int, int]]:
    """Quotable sentences of a source with their score and exact span."""
    passage = source.passage
    spans = [(passage.start + a, passage.start + b) for a, b in sentences(passage.text)]
    for one in source.sentences:
        start, end = one.start, one.end
        text = _at(passage, start, end)
        if _REFERS.match(text):
            before = [span for span in spans if span[1] <= start]
            if not before or not _together(passage, before[-1], start) or _REFERS.match(_at(passage, *before[-1])):
                continue
            start = before[-1][0]
            text = _at(passage, start, end)
        if _quotable(text):
            yield one.score, text, passage, start, end


def _quotable(text: str) -> bool:
    plain = " ".join(text.split())
    return (
        FEWEST_WORDS <= len(words(plain)) <= MOST_WORDS
        and bool(_WHOLE.search(plain))
        and not plain.endswith("?")
        and not plain.startswith(('"', "“"))
        and "`" not in plain
        and not is_directive(plain)
        and not personal_data(plain)
    )


def _together(passage: Passage, before: tuple[int, int], start: int) -> bool:
    """Whether nothing but a space lies between two sentences: no heading, no paragraph."""
    return "\n\n" not in _at(passage, before[1], start) and "#" not in _at(passage, before[1], start)


def _at(passage: Passage, start: int, end: int) -> str:
    return passage.text[start - passage.start : end - passage.start]


def _numbered(told: Sequence[tuple[float, str, Passage, int, int]]) -> tuple[Fact, ...]:
    """Facts, each said once: of two where one holds the other, the longer one in the better place."""
    facts: list[Fact] = []
    for score, text, passage, start, end in told:
        one = Fact(0, " ".join(text.split()), _heading(passage, start), round(score, 4), _cited(passage, start, end))
        inside = next((i for i, other in enumerate(facts) if other.text in one.text), None)
        if inside is not None:
            facts[inside] = one
        elif not any(one.text in other.text for other in facts):
            facts.append(one)
    return tuple(replace(one, number=i) for i, one in enumerate(facts[:MOST], 1))


def _on_topic(told: list, topic: str, kind: str) -> list:
    """Sentences by how many words of the topic they or their heading hold, then by nearness; others only if few do."""
    wanted = set(stems(topic))
    held = [(len(wanted & set(stems(f"{_heading(one[2], one[3])} {one[1]}"))), one) for one in told]
    on = [one for count, one in sorted(held, key=lambda two: -two[0]) if count]
    enough = ENOUGH_FOR_PAGES if kind in PAGES else ENOUGH
    return on + [one for count, one in held if not count][: max(0, enough - len(on))]


def _pooled(passage: Passage) -> Iterator[Pooled]:
    before = ""
    for a, b in sentences(passage.text):
        text = passage.text[a:b]
        if len(words(text)) >= 3 and not is_directive(text):
            start = passage.start + a
            heading = _heading(passage, start)
            context = heading + (f" {before}" if _REFERS.match(text) else "")
            yield Pooled(" ".join(text.split()), heading, context, _cited(passage, start, passage.start + b))
        before = text


def _heading(passage: Passage, start: int) -> str:
    """The heading that a place of a passage stands under: one inside the passage is nearer than its own."""
    inside = re.findall(r"^#{1,6}\s+(.+?)\s*$", passage.text[: start - passage.start], re.MULTILINE)
    return f"{passage.title} > {inside[-1]}" if inside and inside[-1] != passage.title else passage.heading


def _cited(passage: Passage, start: int, end: int) -> Citation:
    quote = _at(passage, start, end)
    return Citation(passage.document_id, passage.passage_id, passage.title, quote, start, end, passage.date)
