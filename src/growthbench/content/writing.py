"""From a brief to a piece: find facts, draft from three angles, check, have it mended, and never pass it silently."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from growthbench.base.errors import NotReadyError
from growthbench.content.angles import ANGLES
from growthbench.content.brand import Brand, brand_of
from growthbench.content.brief import PAGES, Brief
from growthbench.content.checking import Checked, Checks
from growthbench.content.checks.claims import spans_to_cut
from growthbench.content.checks.likeness import check_likeness, likenesses
from growthbench.content.facts import Found, find_facts
from growthbench.content.findings import Finding, errors
from growthbench.content.formats import formats
from growthbench.content.pieces import DRAFT, NEEDS_REVIEW, Parts, Piece, Variant
from growthbench.knowledge.answers import shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.token_vectors import TokenShelf
from growthbench.language.payer import paid_by

if TYPE_CHECKING:
    from growthbench.language.transcripts import Transcript
    from growthbench.store.engine import Store

MOST_REVISIONS = 2
"""How often a draft is written again; after that unsupported sentences are cut, and what still fails needs a person."""

Draft = Callable[[str, list[str]], dict[str, Any]]
"""From an angle and problems to the parts of a draft."""


def write(
    brief: Brief | dict[str, Any],
    *,
    base: KnowledgeBase,
    tenant: str,
    store: "Store | None" = None,
    settings: object = None,
    role: str | None = None,
    agent: str | None = None,
    run: str | None = None,
    seed: int = 0,
    brand: Brand | None = None,
    shelf: TokenShelf | None = None,
    today: str | None = None,
    priority: str = "quality",
    batch: bool = False,
    transcript: "Transcript | None" = None,
    prompt: str | None = None,
    prompt_version: int | None = None,
) -> Piece:
    """Write three variants of what a brief asks for.

    Parameters
    ----------
    brief : Brief or object
    base : KnowledgeBase
        Where facts come from.
    tenant : str
    store : Store, optional
        For limits, traces and prompts; the knowledge base's by default.
    settings : LanguageSettings, optional
        Which models may write; read from the environment by default. Without one it is written offline.
    role : str, optional
        Who asks. Documents that only some roles may read are not quoted unless the brief says ``restricted``.
    agent, run : str, optional
        Who pays, see `language.speaking`.
    seed : int, default 0
        Told to the writer: another seed may give another draft.
    brand : Brand, optional
        By default the tenant's brand file.
    shelf : TokenShelf, optional
        Keep one for many pieces.
    today : str, optional
        ISO day that ``valid_until`` is held against.
    priority : str, default "quality"
    batch : bool, default False
        Nobody waits for the piece.
    transcript : Transcript, optional
    prompt : str, optional
        State of the drafting program as JSON, instead of the served version's.
    prompt_version : int, optional
        What to call it in the metadata.

    Returns
    -------
    Piece
        Marked ``needs_review`` where a check still finds an error; a person approves in either case.

    Raises
    ------
    NotReadyError
        There are no documents.
    NotFoundError
        No document that may be quoted is about the topic.
    BudgetError, ModelsUnavailableError, UnreadableReplyError, ...
        From `language.speaking`.
    """
    brief, store = Brief.of(brief), store or base.store
    if not base.version(tenant):
        raise NotReadyError("there are no documents to write from: ingest some with KnowledgeBase.ingest")
    with paid_by(agent, run):
        found = find_facts(base, brief, tenant=tenant, role=role, shelf=shelf or shelf_of(base, tenant), today=today)
    checks = Checks(brief, brand or brand_of(base, tenant, role), found)
    if prompt is None:
        prompt_version, prompt = _served(store, tenant, brief.kind)
    from growthbench.language import speaking

    with speaking(
        settings, store, tenant=tenant, kind="content_generation", priority=priority, agent=agent, run=run, batch=batch,
        transcript=transcript,
    ) as speech:  # fmt: skip
        draft = drafting(brief, found, checks, seed, prompt, prompt_version)
        variants = [_variant(angle, draft, checks) for angle in ANGLES]
        variants, alike = _told_apart(variants, draft, checks, base)
    passed = all(variant.passed for variant in variants) and not alike
    metadata = {
        "seed": seed,
        "targeting": {name: getattr(brief, name) for name in ("audience", "platform", "keyword", "language")},
        "prompt_version": prompt_version or 0,
        "formats_of": formats().about["date"],
        "searched": list(found.searched),
        "search_note": found.note,
        "newest_source": max((fact.citation.date or "" for fact in found.facts), default=""),
        "brand_file": checks.brand.source,
        "calls": len(speech.calls),
    }
    facts = tuple(fact.citation for fact in found.facts)
    status = DRAFT if passed else NEEDS_REVIEW
    return Piece(
        brief, tuple(variants), status, facts, tuple(alike), speech.written_by or "nobody", speech.cost, metadata
    )


def drafting(
    brief: Brief, found: Found, checks: Checks, seed: int, prompt: str | None, version: int | None = None
) -> Draft:
    """The drafting program of a brief, ready to be called with an angle and problems."""
    from growthbench.content.programs import Drafter, parts_of
    from growthbench.language.spoken import speaking_as

    program = speaking_as(Drafter(brief.kind), brief.kind, prompt, version)
    facts, rules = fact_texts(found), checks.told()

    def draft(angle: str, problems: list[str]) -> dict[str, Any]:
        order = order_of(brief, angle, seed)
        return parts_of(brief.kind, program(order=order, facts=facts, rules=rules, problems=problems))

    return draft


def order_of(brief: Brief, angle: str, seed: int = 0):
    """The order of one variant, as a program reads it."""
    from growthbench.content.programs import Order

    told = {name: getattr(brief, name) for name in Order.model_fields if hasattr(brief, name)}
    return Order(**told, angle=angle, angle_means=ANGLES[angle], seed=seed)


def fact_texts(found: Found) -> list:
    """The facts as a program reads them."""
    from growthbench.content.programs import FactText

    return [FactText(number=f.number, text=f.text, heading=f.heading, date=f.citation.date) for f in found.facts]


def _served(store: "Store", tenant: str, kind: str) -> tuple[int, str | None]:
    from growthbench.language.prompts import served

    now = served(store, tenant, kind)
    return (now.version, now.state) if now else (0, None)


def _variant(angle: str, draft: Draft, checks: Checks) -> Variant:
    parts = draft(angle, [])
    return _mended(Variant(angle, parts), checks.of(parts), draft, checks)


def _mended(variant: Variant, checked: Checked, draft: Draft, checks: Checks, more: list[str] | None = None) -> Variant:
    """Written again while there are errors, twice at most; then what no document carries is cut out."""
    parts, revisions = variant.parts, variant.revisions
    problems = [*(more or []), *(str(one) for one in errors(checked.findings))]
    while problems and revisions < MOST_REVISIONS:
        again = draft(variant.angle, problems)
        revisions += 1
        if again == parts:
            break  # the writer has nothing better
        parts, checked = again, checks.of(again)
        problems = [str(one) for one in errors(checked.findings)]
    parts, removed = _cut(parts, checked.findings)
    if removed:
        checked = checks.of(parts)
    return replace(
        variant, parts=parts, carried=checked.carried, findings=checked.findings, revisions=revisions,
        removed=variant.removed + removed, scores=checked.scores,
    )  # fmt: skip


def _cut(parts: Parts, findings: tuple[Finding, ...]) -> tuple[Parts, tuple[str, ...]]:
    """The parts without the sentences that no document carries, and those sentences; entries of lists go as a whole."""
    left: dict[str, Any] = {name: value if isinstance(value, str) else list(value) for name, value in parts.items()}
    removed = []
    for part, start, end in spans_to_cut(findings):
        name, _, index = part.partition("[")
        if index:
            place = int(index.rstrip("]"))
            removed.append(left[name][place])
            left[name][place] = None
        else:
            removed.append(left[name][start:end])
            left[name] = _joined(left[name][:start], left[name][end:])
    left = {k: v if isinstance(v, str) else [one for one in v if one is not None] for k, v in left.items()}
    return left, tuple(dict.fromkeys(text for text in removed if text))


def _joined(before: str, after: str) -> str:
    """Two sides of a cut; a bullet that lost its text goes, too."""
    line = before.rsplit("\n", 1)[-1]
    if line.strip() in ("-", "*", "#", "##", "###"):
        before = before[: len(before) - len(line)]
        after = after.lstrip("\n") if before.endswith("\n") else after
    space = " " if before and not before.endswith("\n") and after[:1].strip() else ""
    return re.sub(r"\n{3,}", "\n\n", f"{before.rstrip(' ')}{space}{after.lstrip(' ')}").strip()


def _told_apart(
    variants: list[Variant], draft: Draft, checks: Checks, base: KnowledgeBase
) -> tuple[list[Variant], list[Finding]]:
    """Variants that are too alike are written again, the later one of each pair."""
    pages = checks.brief.kind in PAGES
    alike = likenesses([v.text for v in variants], base.reader, pages)
    for one in [pair for pair in alike if pair.too_alike]:
        later = variants[one.second]
        if later.revisions < MOST_REVISIONS:
            said = f"it says nearly what variant {variants[one.first].angle!r} says; use other facts"
            variants[one.second] = _mended(later, checks.of(later.parts), draft, checks, [said])
    if any(pair.too_alike for pair in alike):
        alike = likenesses([v.text for v in variants], base.reader, pages)
    return variants, check_likeness(alike)
