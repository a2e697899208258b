"""The routes of the Desk, told once: the Door documents them and passes on, the Desk serves them."""

from collections.abc import Callable
from dataclasses import replace

from growthbench.serving.desk import shapes
from growthbench.serving.desk.table_content import Told, chat_routes, content_routes, nobody
from growthbench.serving.http import Handler, Route

HandlerOf = Callable[[str, str], Handler]
"""From a handler's name and its class of work (``retrieve`` or ``generate``) to the handler."""
LimitOf = Callable[[str], float]

_DOCUMENT = {
    "document_id": "product_docs/pricing.md", "collection": "product_docs", "title": "Pricing", "source": "pricing.md",
    "date": "2026-03-01", "roles": [], "metadata": {"format": "md", "subject": "prices"}, "characters": 1840,
    "changed_at": "2026-11-21T10:00:00.000000Z",
}  # fmt: skip
_TEXT = "Pro costs EUR 199 a month. Every plan can be cancelled to the end of the month."
_CITED = {
    "document_id": "product_docs/pricing.md", "passage_id": "product_docs/pricing.md#0", "title": "Pricing",
    "quote": "Pro costs EUR 199 a month.", "start": 0, "end": 26, "date": "2026-03-01", "stale": "",
}  # fmt: skip
_QUESTION = {"question": "What does Pro cost?"}
_JOB = {"job_id": "job_0198f3c1a2b3c4d5e6f70811", "kind": "document", "state": "running",
        "created_at": "2026-11-21T10:00:00.000000Z", "ended_at": None, "result": None, "problem": None}  # fmt: skip
_ASKED = {403: "The caller may not do this, or not ask as this role.", 404: "There is no such collection."}


def desk_routes(handler_of: HandlerOf, limit_of: LimitOf) -> list[Route]:
    """Every route of the Desk.

    Parameters
    ----------
    handler_of : callable
    limit_of : callable
        From a class of work to its time limit, seconds.
    """
    told = [*_knowledge(), *content_routes(), *chat_routes(), *_jobs()]
    return [
        replace(route, handler=handler_of(name, work), deadline_s=limit_of(work), statuses=_AWAY | dict(route.statuses))
        for name, work, route in told
    ]


_AWAY = {503: "The Desk is away or has too much to do; `Retry-After` says when to try again."}


def _knowledge() -> Told:
    read = {"permission": "knowledge:read", "tag": "knowledge"}
    write = {"permission": "knowledge:write", "tag": "knowledge"}
    place = "/api/v1/knowledge/documents"
    return [
        ("add_document", "generate",
         Route("POST", place, nobody, "Bring a document in (also as a form with the part `file`)", forms=True,
               body=shapes.DocumentRequest, answer=shapes.DocumentKept | shapes.JobTold,
               example={"text": _TEXT, "title": "Pricing", "collection": "product_docs"},
               answer_example=_DOCUMENT | {"state": "new", "passages": 4, "version": 12},
               statuses={200: "It was in like this already.", 201: "It is in.",
                         202: "It is large: a job brings it in."}, **write)),
        ("documents", "retrieve",
         Route("GET", place, nobody, "Documents that the caller may see", answer=shapes.DocumentList,
               answer_example={"documents": [_DOCUMENT], "version": 12},
               query={"collection": (str, "of this collection only"), "limit": (int, "1 to 1000, default 100"),
                      "after": (str, "id of the last one seen")}, **read)),
        ("document", "retrieve",
         Route("GET", f"{place}/{{document_id:path}}", nobody, "One document with its text",
               answer=shapes.DocumentText, answer_example=_DOCUMENT | {"text": _TEXT}, **read)),
        ("remove_document", "retrieve",
         Route("DELETE", f"{place}/{{document_id:path}}", nobody, "Take a document out, with its vectors",
               statuses={204: "It is out."}, **write)),
        ("search", "retrieve",
         Route("POST", "/api/v1/knowledge/search", nobody, "Passages that may answer a question",
               body=shapes.SearchRequest, answer=shapes.SearchTold, example=_QUESTION | {"k": 5},
               answer_example={"question": _QUESTION["question"], "method": "hybrid", "version": 12, "note": "",
                               "hits": [{k: v for k, v in _CITED.items() if k not in ("quote", "stale")}
                                        | {"text": _CITED["quote"], "headings": ["Plans"], "score": 3.21}]},
               statuses=_ASKED, **read)),
        ("answer", "generate",
         Route("POST", "/api/v1/knowledge/answer", nobody, "Answer a question from the documents, or say that it is "
               "not in them", body=shapes.AnswerRequest, answer=shapes.AnswerTold, example=_QUESTION,
               answer_example={"answered": True, "answer": "Pro costs EUR 199 a month. [1]", "citations": [_CITED],
                               "confidence": 0.81, "written_by": "offline", "why": "", "contradictions": [],
                               "dropped": [], "cost_usd": "0.000000"}, statuses=_ASKED, **read)),
        ("affected", "retrieve",
         Route("GET", "/api/v1/knowledge/affected", nobody, "Kept answers that rest on a document",
               answer=shapes.AffectedList, query={"document_id": (str, "the document that changed")},
               answer_example={"document_id": _CITED["document_id"], "answers": [
                   {"answer_id": "ans_0198f3c1a2b3c4d5e6f70811", "question": "What does Pro cost?",
                    "asked_at": "2026-11-21T10:00:00.000000Z", "broken": [_CITED["quote"]], "cited": True}]},
               **write)),
    ]  # fmt: skip


def _jobs() -> Told:
    one = "/api/v1/jobs/{job_id}"
    kept = {"permission": "jobs:read", "tag": "jobs"}
    return [
        ("job", "retrieve",
         Route("GET", one, nobody, "How far a job is, and what came of it", answer=shapes.JobTold,
               answer_example=_JOB, **kept)),
        ("cancel_job", "retrieve",
         Route("DELETE", one, nobody, "Stop a job before its next step", answer=shapes.JobTold,
               answer_example=_JOB | {"state": "cancelled"}, **kept)),
    ]  # fmt: skip
