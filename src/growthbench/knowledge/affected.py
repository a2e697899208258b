"""Keep answers with what they rest on, and list those that a changed document affects."""

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from growthbench.base.clock import now_us, to_iso
from growthbench.base.ids import new_id
from growthbench.base.jsonio import canonical
from growthbench.knowledge import kept
from growthbench.knowledge.citations import Answer
from growthbench.knowledge.verification import locate
from growthbench.store.answer_tables import answer_sources, answers
from growthbench.store.engine import Store


@dataclass(frozen=True)
class Affected:
    """One kept answer that rests on a document.

    Attributes
    ----------
    answer_id, question : str
    asked_at : str
        ISO 8601.
    broken : tuple of str
        Quotes that are no longer in the document; empty while all of them are.
    cited : bool
        The document is cited; else it was only named as contradicting.
    """

    answer_id: str
    question: str
    asked_at: str
    broken: tuple[str, ...]
    cited: bool


def keep_answer(store: Store, tenant: str, question: str, given: Answer, role: str | None = None) -> Answer:
    """Write an answer down with its sources; returned with its ``answer_id``."""
    given = replace(given, answer_id=new_id("ans"))
    row = {
        "tenant_id": tenant,
        "answer_id": given.answer_id,
        "question": question,
        "role": role,
        "body": canonical(given.to_dict()),
        "answered": int(given.answered),
        "created_at": now_us(),
    }
    with store.writing() as connection:
        connection.execute(answers.insert(), [row])
        if rows := _sources(tenant, given):
            connection.execute(answer_sources.insert(), rows)
    return given


def kept_answer(store: Store, tenant: str, answer_id: str) -> dict[str, Any] | None:
    """What `Answer.to_dict` gave when the answer was kept; None if there is none of that id."""
    query = select(answers.c.body).where(answers.c.tenant_id == tenant, answers.c.answer_id == answer_id)
    with store.reading() as connection:
        body = connection.execute(query).scalar()
    return None if body is None else json.loads(body)


def affected(store: Store, tenant: str, document_id: str) -> list[Affected]:
    """Kept answers that cite a document or name it as contradicting, the newest first.

    Parameters
    ----------
    store : Store
    tenant : str
    document_id : str
        Changed or removed; what it says now decides which quotes are broken.
    """
    a, s = answers.c, answer_sources.c
    query = (
        select(a.answer_id, a.question, a.created_at, s.quote, s.cited)
        .join(answer_sources, (s.tenant_id == a.tenant_id) & (s.answer_id == a.answer_id))
        .where(a.tenant_id == tenant, s.document_id == document_id)
        .order_by(a.created_at.desc(), a.answer_id, s.number)
    )
    with store.reading() as connection:
        rows = list(connection.execute(query))
        text = {d.document_id: d.text for d in kept.load_documents(connection, tenant)}.get(document_id, "")
    found: dict[str, Affected] = {}
    for row in rows:
        broken = () if locate(row.quote, text) else (row.quote,)
        one = found.get(row.answer_id) or Affected(row.answer_id, row.question, to_iso(row.created_at), (), False)
        found[row.answer_id] = replace(one, broken=one.broken + broken, cited=one.cited or bool(row.cited))
    return list(found.values())


def _sources(tenant: str, given: Answer) -> list[dict[str, Any]]:
    against = [c.older for c in given.contradictions] + [c.newer for c in given.contradictions]
    named = [(c, 1) for c in given.citations] + [(c, 0) for c in dict.fromkeys(against) if c not in given.citations]
    return [
        {
            "tenant_id": tenant,
            "answer_id": given.answer_id,
            "number": number,
            "document_id": citation.document_id,
            "passage_id": citation.passage_id,
            "quote": citation.quote,
            "cited": cited,
        }
        for number, (citation, cited) in enumerate(named, 1)
    ]
