"""What a program is measured on: its examples and its metric. Every program of the project has one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growthbench.base.errors import NotReadyError, UnknownNameError
from growthbench.content.brand import brand_of
from growthbench.content.brief import KINDS
from growthbench.content.checking import Checks
from growthbench.content.checks.likeness import common_runs
from growthbench.content.examples import training_examples
from growthbench.content.facts import find_facts
from growthbench.content.findings import errors
from growthbench.content.pieces import texts_of
from growthbench.knowledge.answers import shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.evidence import gather
from growthbench.knowledge.verification import Found as Stands
from growthbench.knowledge.verification import Source, check_quote, locate

ANSWERS = "answers"
PROGRAMS = (ANSWERS, *KINDS)
"""Every program that can be compiled: answers from documents, and one draft for each kind of content."""
SOURCES = 5


@dataclass(frozen=True)
class Study:
    """A program with its examples.

    Attributes
    ----------
    name : str
        One of `PROGRAMS`.
    build : callable
        Makes the program anew, as it was written.
    examples : sequence of dspy.Example
        Each with a ``key`` and its inputs marked.
    metric : callable
        From an example and a prediction to 0..1.
    good : float
        Metric from which on a prediction may serve as a demonstration.
    kind : str
        Of the router.
    labelled : bool
        The examples hold outputs, so they may be demonstrations themselves.
    """

    name: str
    build: Callable[[], Any]
    examples: Sequence[Any]
    metric: Callable[[Any, Any], float]
    good: float
    kind: str
    labelled: bool = False


def study_of(
    program: str,
    base: KnowledgeBase,
    *,
    tenant: str,
    questions: Path | None = None,
    most: int = 60,
    role: str | None = None,
) -> Study:
    """The study of a program on what is there: labelled questions, or texts that people edited or approved.

    Parameters
    ----------
    program : str
    questions : Path, optional
        Labelled questions (JSONL) for ``answers``.
    most : int, default 60
        Examples used at most; each costs calls.
    """
    if program not in PROGRAMS:
        raise UnknownNameError("program", program, PROGRAMS, field="program")
    if program == ANSWERS:
        return _answers(base, tenant, questions, most, role)
    return _drafts(program, base, tenant, most, role)


def _answers(base: KnowledgeBase, tenant: str, questions: Path | None, most: int, role: str | None) -> Study:
    import dspy

    from growthbench.knowledge.answer_program import QuestionAnswerer
    from growthbench.knowledge.evaluation.questions import ANSWERABLE, read_questions

    if questions is None:
        raise NotReadyError("to compile answers, name labelled questions (JSONL, as data/knowledge/questions.jsonl)")
    shelf = shelf_of(base, tenant)
    asked = [q for q in read_questions(questions) if q.kind == ANSWERABLE and q.golds][:most]
    sources = {q.question: _sources(base, q.question, tenant, role, shelf) for q in asked}
    examples = [
        dspy.Example(key=q.key, question=q.question, golds=[g.passage for g in q.golds]).with_inputs("question")
        for q in asked
        if sources[q.question]
    ]
    return Study(ANSWERS, lambda: QuestionAnswerer(sources.__getitem__), examples, answer_metric, 1.0, "reasoning")


def _sources(base: KnowledgeBase, question: str, tenant: str, role: str | None, shelf: Any) -> list:
    from growthbench.knowledge.answer_program import SourceText

    evidence = gather(base, question, tenant=tenant, role=role, shelf=shelf)
    made = []
    for source in [s for s in evidence.sources if s.best is not None][:SOURCES]:
        passage, (start, end) = source.passage, source.excerpt
        told = {"nearest": source.best.text, "excerpt": passage.text[start - passage.start : end - passage.start]}
        told |= {"title": passage.heading, "date": passage.date, "match": round(source.match, 4), "text": passage.text}
        made.append(SourceText(number=len(made) + 1, **told))
    return made


def answer_metric(example: Any, prediction: Any, trace: Any = None) -> float:
    """1 if every claim's quote stands in its source and one of them is from a labelled passage, else 0."""
    claims = getattr(prediction, "claims", None) or []
    shown = [Source(s.number, str(s.number), s.text, 0, len(s.text)) for s in getattr(prediction, "sources", [])]
    found = [check_quote(claim.quote, claim.source, shown) for claim in claims]
    if not found or not all(isinstance(one, Stands) for one in found):
        return 0.0
    return float(any(_overlaps(one.quote, gold) for one in found for gold in example.golds))


def _overlaps(quote: str, gold: str) -> bool:
    return bool(locate(quote, gold) or locate(gold, quote)) or common_runs(quote, gold) >= 0.5


def _drafts(kind: str, base: KnowledgeBase, tenant: str, most: int, role: str | None) -> Study:
    from growthbench.content.programs import Drafter

    examples, checks = [], {}
    brand, shelf = brand_of(base, tenant, role), shelf_of(base, tenant)
    for one in training_examples(base.store, tenant, kind)[:most]:
        found = find_facts(base, one.brief, tenant=tenant, role=role, shelf=shelf)
        checks[one.key] = Checks(one.brief, brand, found)
        examples.append(draft_example(one, found, checks[one.key]))
    return Study(kind, lambda: Drafter(kind), examples, draft_metric(kind, checks), 0.6, "content_generation", True)


def draft_example(one: Any, found: Any, checks: Checks) -> Any:
    """A training example in the form of the drafting program."""
    import dspy

    from growthbench.content.writing import fact_texts, order_of

    inputs = {"order": order_of(one.brief, one.angle, one.seed), "facts": fact_texts(found), "rules": checks.told()}
    inputs["problems"] = []
    told = dspy.Example(key=one.key, accepted=one.text, **inputs, **dict(one.accepted))
    return told.with_inputs(*inputs)


def draft_metric(kind: str, checks: Mapping[str, Checks]) -> Callable[..., float]:
    """Half for passing every check, half for nearness to what a person made of it (two-word runs in common)."""
    from growthbench.content.programs import parts_of

    def metric(example: Any, prediction: Any, trace: Any = None) -> float:
        parts = parts_of(kind, prediction)
        if not parts:
            return 0.0
        passed = not errors(checks[example.key].of(parts).findings)
        text = "\n\n".join(text for _, text in texts_of(parts))
        return 0.5 * passed + 0.5 * common_runs(text, example.accepted, length=2)

    return metric
