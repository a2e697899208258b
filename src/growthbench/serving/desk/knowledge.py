"""Documents, search and answers: what the Desk does behind its routes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from growthbench.base.clock import to_iso
from growthbench.base.errors import BadInputError, ForbiddenError, NotFoundError
from growthbench.knowledge.base import KnowledgeBase
from growthbench.serving.desk import shapes
from growthbench.serving.desk.state import DeskState
from growthbench.serving.desk.uploads import document_of, read_upload
from growthbench.serving.http import Call, Reply, read_json_body
from growthbench.store.callers import Caller
from growthbench.store.knowledge_tables import knowledge_documents, knowledge_passages

LARGE = 40_000
"""Characters from which on a document is brought in by a job."""

_MOST = 1000
_search = msgspec.json.Decoder(shapes.SearchRequest)
_answer = msgspec.json.Decoder(shapes.AnswerRequest)


class KnowledgeRoutes:
    """Handlers; each is called in a thread.

    Parameters
    ----------
    state : DeskState
    """

    def __init__(self, state: DeskState):
        self.state = state

    def add_document(self, call: Call) -> Reply:
        """Bring a document in, now or by a job."""
        asked = read_upload(call)
        document = document_of(asked)
        if asked.wait and len(document.text) <= LARGE:
            told = self.state.ingest(call.tenant, document)
            return Reply.of(told, 200 if told["state"] == "unchanged" else 201)
        job = self.state.jobs.submit("document", call.tenant, asdict(document), call.header("idempotency-key"))
        return Reply.of(job, 202, [(b"location", f"/api/v1/jobs/{job['job_id']}".encode())])

    def documents(self, call: Call) -> Reply:
        """Documents by id, a page of them."""
        query = call.query
        limit, t = _limit(query.get("limit")), knowledge_documents
        asked = select(*_COLUMNS).where(t.c.tenant_id == call.tenant, t.c.document_id > query.get("after", ""))
        if "collection" in query:
            asked = asked.where(t.c.collection == query["collection"])
        with self.state.store.reading() as connection:
            rows = list(connection.execute(asked.order_by(t.c.document_id)))
        seen = [told for row in rows if _may_see(told := _told(row), call.caller)][:limit]
        return Reply.of({"documents": seen, "version": self.state.base.version(call.tenant)})

    def document(self, call: Call) -> Reply:
        """One document with its text."""
        return Reply.of(_document(self.state.base, call.tenant, call.params["document_id"], call.caller))

    def remove_document(self, call: Call) -> Reply:
        """Take a document out."""
        self.state.base.remove(call.tenant, call.params["document_id"])
        return Reply(b"", 204)

    def search(self, call: Call) -> Reply:
        """Passages that may answer a question."""
        asked = read_json_body(call.body, _search)
        found = self.state.base.search(
            asked.question,
            tenant=call.tenant,
            role=role_of(call.caller, asked.role),
            collections=asked.collections,
            filters=asked.filters or None,
            k=asked.k,
            variety=asked.variety,
            rerank=_between(asked.rerank, 0, 50, "rerank"),
            self_query=asked.self_query,
        )
        hits = [_hit(hit) for hit in found.hits]
        told = {"question": found.question, "method": found.method, "version": found.version, "note": found.note}
        return Reply.of(told | {"hits": hits})

    def answer(self, call: Call) -> Reply:
        """Answer a question from the documents."""
        asked = read_json_body(call.body, _answer)
        role = role_of(call.caller, asked.role)
        from growthbench.knowledge.affected import keep_answer
        from growthbench.knowledge.answers import answer

        with self.state.traced("knowledge.answer", call) as trace:
            given = answer(
                self.state.base,
                asked.question,
                tenant=call.tenant,
                role=role,
                collections=asked.collections,
                filters=asked.filters or None,
                settings=self.state.language,
                shelf=self.state.shelf(call.tenant),
                agent="answers",
                run=trace.run,
            )
        if asked.keep:
            given = keep_answer(self.state.store, call.tenant, asked.question, given, role)
        return Reply.of(given.to_dict() | {"cost_usd": trace.cost_usd})

    def affected(self, call: Call) -> Reply:
        """Kept answers that rest on a document."""
        document_id = call.query.get("document_id")
        if not document_id:
            raise BadInputError("which document? give document_id", field="document_id")
        from growthbench.knowledge.affected import affected

        found = [asdict(one) for one in affected(self.state.store, call.tenant, document_id)]
        return Reply.of({"document_id": document_id, "answers": found})


def role_of(caller: Caller, asked: str | None) -> str | None:
    """As which role a caller asks: whoever may write documents as any, others as their own.

    Raises
    ------
    ForbiddenError
        As another one.
    """
    if asked is None or caller.may("knowledge:write"):
        return asked
    if asked != caller.role:
        raise ForbiddenError(f"the role {caller.role!r} may not ask as {asked!r}")
    return asked


_T = knowledge_documents.c
_COLUMNS = (_T.document_id, _T.collection, _T.title, _T.source, _T.date, _T.roles, _T.metadata, _T.changed_at,
            func.length(_T.text).label("characters"))  # fmt: skip


def _told(row: Row) -> dict[str, Any]:
    return {
        "document_id": row.document_id,
        "collection": row.collection,
        "title": row.title,
        "source": row.source,
        "date": row.date,
        "roles": msgspec.json.decode(row.roles),
        "metadata": msgspec.json.decode(row.metadata),
        "characters": row.characters,
        "changed_at": to_iso(row.changed_at),
    }


def document_told(base: KnowledgeBase, tenant: str, document_id: str) -> tuple[dict[str, Any], int]:
    """A document as it is told, and the number of its passages.

    Raises
    ------
    NotFoundError
    """
    mine = (_T.tenant_id == tenant, _T.document_id == document_id)
    p = knowledge_passages.c
    count = select(func.count()).where(p.tenant_id == tenant, p.document_id == document_id)
    with base.store.reading() as connection:
        row = connection.execute(select(*_COLUMNS).where(*mine)).one_or_none()
        passages = connection.execute(count).scalar_one()
    if row is None:
        raise NotFoundError(f"no document {document_id!r}")
    return _told(row), passages


def _document(base: KnowledgeBase, tenant: str, document_id: str, caller: Caller) -> dict[str, Any]:
    told, _ = document_told(base, tenant, document_id)
    if not _may_see(told, caller):
        raise NotFoundError(
            f"no document {document_id!r}"
        )  # as if there were none: that there is one is told to nobody
    return told | {"text": base.document(tenant, document_id).text}


def _may_see(told: dict[str, Any], caller: Caller) -> bool:
    return not told["roles"] or caller.may("knowledge:write") or caller.role in told["roles"]


def _hit(hit) -> dict[str, Any]:
    p = hit.passage
    headings: Sequence[str] = p.metadata.get("headings", [])
    return {"document_id": p.document_id, "passage_id": p.passage_id, "title": p.title, "headings": list(headings),
            "date": p.date, "text": p.text, "start": p.start, "end": p.end, "score": round(hit.score, 6)}  # fmt: skip


def _limit(text: str | None) -> int:
    try:
        return _between(int(text or 100), 1, _MOST, "limit")
    except ValueError as exc:
        raise BadInputError(f"limit must be 1 to {_MOST}, found {text!r}", field="limit") from exc


def _between(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise BadInputError(f"{field} must be {least} to {most}, found {value}", field=field)
    return value
