"""Answer a question from the documents, or say that it is not in them.

Search, decide whether there is an answer at all, let the program write claims with quotes, check every quote against
its document letter by letter, and tell what is stale or contradicted. What does not hold is dropped, whoever wrote it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from growthbench.base.clock import now_us, to_iso
from growthbench.knowledge.answerability import answerability_model
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.best_sentence import Sentence
from growthbench.knowledge.citations import (
    NOT_IN_THE_DOCUMENTS,
    Answer,
    Citation,
    Claim,
    Contradiction,
    Refused,
    marked,
)
from growthbench.knowledge.directives import is_directive
from growthbench.knowledge.evidence import Evidence, Source, gather
from growthbench.knowledge.staleness import disagreeing, newer, stale_by_itself, superseded
from growthbench.knowledge.token_vectors import TokenShelf
from growthbench.knowledge.verification import Found, Refusal, check_quote, check_support
from growthbench.knowledge.verification import Source as Shown
from growthbench.language.payer import paid_by
from growthbench.language.reply_cache import WEEK_S
from growthbench.text.sentences import sentences

SOURCES = 5
"""Passages that the writer is shown."""
LEFT_OUT = "[text addressed to machines, left out]"

__all__ = ["Answer", "Citation", "Claim", "Contradiction", "Refused", "answer", "shelf_of"]


def answer(
    base: KnowledgeBase,
    question: str,
    *,
    tenant: str,
    role: str | None = None,
    collections: Sequence[str] | None = None,
    filters: Any = None,
    settings: object = None,
    shelf: TokenShelf | None = None,
    evidence: Evidence | None = None,
    threshold: float | None = None,
    today: str | None = None,
    priority: str = "speed",
    agent: str | None = None,
    run: str | None = None,
    cache_s: float = WEEK_S,
) -> Answer:
    """Answer a question with verified citations.

    Parameters
    ----------
    base : KnowledgeBase
    question : str
    tenant : str
    role : str, optional
        Who asks; documents of other roles are neither searched nor shown.
    collections, filters : optional
        As in `KnowledgeBase.search`.
    settings : LanguageSettings, optional
        Which models may write; read from the environment by default.
    shelf : TokenShelf, optional
        Keep one for many questions (`shelf_of`); made anew by default.
    evidence : Evidence, optional
        What `evidence.gather` found for this question already.
    threshold : float, optional
        Probability below which nothing is answered; by default the calibrated one.
    today : str, optional
        ISO day that ``valid_until`` is held against; today by default.
    priority : str, default "speed"
        The router's, for the kind ``reasoning``.
    agent, run : str, optional
        Who pays, see `language.speaking`.
    cache_s : float, default a week
        Age up to which a cached draft serves; 0 keeps none, for questions that belong to a person.

    Returns
    -------
    Answer
    """
    if evidence is None:
        about = {"role": role, "collections": collections, "filters": filters}
        with paid_by(agent, run):
            evidence = gather(base, question, tenant=tenant, shelf=shelf or shelf_of(base, tenant), **about)
    model = answerability_model(evidence.with_meaning)
    threshold = base.threshold_of(tenant) if threshold is None else threshold
    probability = model.probability(evidence.facts)
    usable = [s for s in evidence.sources if s.best is not None]
    if not usable or probability < (model.threshold if threshold is None else threshold):
        return _nothing(evidence, probability, _why_not(evidence, usable))
    stale, told = _judged(usable, today or to_iso(now_us())[:10])
    chosen = _newer_first(usable[:SOURCES], told)
    drafts, written_by = _written(question, chosen, base, settings, tenant, priority, agent, run, cache_s)
    claims, dropped = _verified(drafts, chosen, evidence, stale)
    if not claims:
        return replace(_nothing(evidence, probability, "nothing that was written is in the sources"), dropped=dropped)
    return Answer(
        answered=True,
        text=marked(claims),
        claims=claims,
        confidence=model.confidence_of(evidence.facts),
        written_by=written_by,
        why=_remarks(evidence, claims, told),
        search=evidence.search,
        answerable=probability,
        contradictions=told,
        dropped=dropped,
    )


def shelf_of(base: KnowledgeBase, tenant: str) -> TokenShelf | None:
    """Where the token vectors of a tenant's passages are kept; None without an encoder that reads tokens."""
    return TokenShelf(base.store, base.reader, tenant) if base.reader is not None else None


def _nothing(evidence: Evidence, probability: float, why: str) -> Answer:
    return Answer(
        False, NOT_IN_THE_DOCUMENTS, (), 1.0 - probability, "nobody", why, evidence.search, answerable=probability
    )


def _why_not(evidence: Evidence, usable: Sequence[Source]) -> str:
    note = f" ({evidence.search.note})" if evidence.search.note else ""
    if not evidence.search.hits:
        return f"there are no documents that you may read{note}"
    if not usable:
        return f"what was found holds no sentence that could be quoted{note}"
    return f"what was found does not answer the question well enough; nearest is {usable[0].passage.title!r}{note}"


def _judged(sources: Sequence[Source], today: str) -> tuple[dict[str, str], tuple[Contradiction, ...]]:
    """Why passages are stale, by passage id, and which of the nearest sentences contradict each other."""
    replaced = superseded(s.passage for s in sources)
    stale, told = {}, []
    for source in sources:
        passage = source.passage
        said = stale_by_itself(passage, today) or replaced.get(passage.document_id, "")
        others = [sentence for other in sources for sentence in other.sentences]
        for sentence in (one for one in source.sentences if _near(source, one)):
            for other, about in disagreeing(sentence, others):
                if newer(other.passage, passage):
                    said = said or f"{other.passage.title} of {other.passage.date} says otherwise: {about}"
                    told.append(Contradiction(_cited(other), _cited(sentence, said), about))
        if said:
            stale[passage.passage_id] = said
    return stale, tuple(dict.fromkeys(told))


def _near(source: Source, sentence: Sentence) -> bool:
    """Whether a sentence is about the question as much as the best one of its passage nearly is."""
    return sentence.score >= 0.8 * source.best.score


def _newer_first(chosen: Sequence[Source], told: Sequence[Contradiction]) -> list[Source]:
    """What a newer document says otherwise comes first, what it contradicts last."""
    newest, oldest = {c.newer.passage_id for c in told}, {c.older.passage_id for c in told}
    return sorted(chosen, key=lambda s: (s.passage.passage_id in oldest) - (s.passage.passage_id in newest))


def _written(question, chosen, base, settings, tenant, priority, agent, run, cache_s) -> tuple[list, str]:
    from growthbench.language import speaking

    with speaking(
        settings, base.store, tenant=tenant, kind="reasoning", priority=priority, agent=agent, run=run, cache_s=cache_s
    ) as speech:
        from growthbench.knowledge.answer_program import QuestionAnswerer
        from growthbench.language.prompts import served
        from growthbench.language.spoken import speaking_as

        now, shown = served(base.store, tenant, "answers"), [_shown(i, s) for i, s in enumerate(chosen, 1)]
        program = speaking_as(QuestionAnswerer(lambda _: shown), "answers", *((now.state, now.version) if now else ()))
        drafts = program(question=question).claims
    return list(drafts), speech.written_by or "nobody"


def _shown(number: int, source: Source):
    from growthbench.knowledge.answer_program import SourceText

    passage = source.passage
    start, end = source.excerpt
    return SourceText(
        number=number,
        title=passage.heading,
        date=passage.date,
        match=round(source.match, 4),
        text=_without_directives(passage.text),
        nearest=source.best.text,
        excerpt=passage.text[start - passage.start : end - passage.start],
    )


def _without_directives(text: str) -> str:
    for start, end in reversed(sentences(text)):
        if is_directive(text[start:end]):
            text = f"{text[:start]}{LEFT_OUT}{text[end:]}"
    return text


def _verified(
    drafts: list, chosen: Sequence[Source], evidence: Evidence, stale: dict[str, str]
) -> tuple[tuple[Claim, ...], tuple[Refused, ...]]:
    texts = {d.document_id: d.text for d in evidence.view.documents}
    shown = [
        Shown(i, s.passage.document_id, texts[s.passage.document_id], s.passage.start, s.passage.end)
        for i, s in enumerate(chosen, 1)
    ]
    claims, dropped = [], []
    for draft in drafts:
        found = _checked(draft, shown, chosen)
        if isinstance(found, Refusal):
            dropped.append(Refused(draft.text, draft.quote, found.reason, found.detail))
        else:
            source = chosen[found.source.number - 1]
            claims.append(Claim(draft.text.strip(), (_citation(found, source, stale),)))
    return tuple(dict.fromkeys(claims)), tuple(dropped)


def _checked(draft, shown: Sequence[Shown], chosen: Sequence[Source]) -> Found | Refusal:
    found = check_quote(draft.quote, draft.source, shown)
    if isinstance(found, Refusal):
        return found
    if is_directive(draft.text) or any(is_directive(text) for text in _touched(found)):
        return Refusal("instruction", "the text gives orders to whoever reads it by machine")
    heading = chosen[found.source.number - 1].passage.heading
    return check_support(draft.text, [found.quote], heading) or found


def _touched(found: Found) -> list[str]:
    """The whole sentences that a quote is taken from: half an order is none to look at."""
    text = found.source.text
    return [found.quote, *(text[a:b] for a, b in sentences(text) if a < found.end and found.start < b)]


def _citation(found: Found, source: Source, stale: dict[str, str]) -> Citation:
    passage = source.passage
    return Citation(
        document_id=passage.document_id,
        passage_id=passage.passage_id,
        title=passage.title,
        quote=found.quote,
        start=found.start,
        end=found.end,
        date=passage.date,
        stale=stale.get(passage.passage_id, ""),
    )


def _cited(sentence: Sentence, stale: str = "") -> Citation:
    p = sentence.passage
    return Citation(p.document_id, p.passage_id, p.title, sentence.text, sentence.start, sentence.end, p.date, stale)


def _remarks(evidence: Evidence, claims: Sequence[Claim], told: Sequence[Contradiction]) -> str:
    said = [f"documents disagree: {one}" for one in told]
    said += [f"{c.title}: {c.stale}" for claim in claims for c in claim.citations if c.stale]
    return "; ".join(dict.fromkeys([*said, *([evidence.search.note] if evidence.search.note else [])]))
