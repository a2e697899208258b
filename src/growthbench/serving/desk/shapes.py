"""What is said to the Desk and what it answers, about documents and jobs; checked while it is read."""

from typing import Any

import msgspec


class DocumentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A document to bring in: ``text``, or ``content`` in base64 for what is not text.

    Attributes
    ----------
    text, content : str
        One of them.
    format : str
        markdown, html, txt, csv, pdf or docx.
    document_id : str
        The same id again puts the document in the place of the old one; by default derived from the title.
    collection : str
        One of the six collections; else the document says so itself (front matter).
    roles : list of str
        Who may read it; empty: everybody of the tenant.
    metadata : object
        ``subject valid_until supersedes`` and what you like.
    wait : bool
        False: always as a job. Large documents always are.
    """

    text: str | None = None
    content: str | None = None
    format: str = "markdown"
    document_id: str | None = None
    collection: str | None = None
    title: str | None = None
    date: str | None = None
    source: str | None = None
    roles: list[str] | None = None
    metadata: dict[str, Any] = {}
    wait: bool = True


class DocumentTold(msgspec.Struct):
    """A document, without its text."""

    document_id: str
    collection: str
    title: str
    source: str
    date: str | None
    roles: list[str]
    metadata: dict[str, Any]
    characters: int
    changed_at: str


class DocumentKept(DocumentTold):
    """A document that was brought in: ``state`` is new, changed or unchanged.

    ``note`` says what is missing, such as vectors while their provider is away.
    """

    state: str
    passages: int
    version: int
    note: str = ""


class DocumentText(DocumentTold):
    """A document with its text, of which every citation is a span."""

    text: str


class DocumentList(msgspec.Struct):
    """Documents by id; ``version`` moves with every change of any of them."""

    documents: list[DocumentTold]
    version: int


class SearchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A search.

    Attributes
    ----------
    role : str
        On whose behalf: documents with roles are seen by these alone. Without ``knowledge:write`` only your own.
    filters : object
        ``since until`` and metadata names.
    self_query : bool
        Read filters out of the question: "pricing pages since March 2026".
    """

    question: str
    k: int = 10
    role: str | None = None
    collections: list[str] | None = None
    filters: dict[str, Any] = {}
    variety: bool = False
    rerank: int = 0
    self_query: bool = False


class HitTold(msgspec.Struct):
    """A passage: ``text`` is the document's ``text[start:end]``."""

    document_id: str
    passage_id: str
    title: str
    headings: list[str]
    date: str | None
    text: str
    start: int
    end: int
    score: float


class SearchTold(msgspec.Struct):
    """What was found, the best first; ``note`` says why if only words were searched."""

    question: str
    method: str
    hits: list[HitTold]
    version: int
    note: str


class AnswerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A question; ``keep`` writes the answer down, so that ``affected`` can list it."""

    question: str
    role: str | None = None
    collections: list[str] | None = None
    filters: dict[str, Any] = {}
    keep: bool = False


class CitationTold(msgspec.Struct):
    """A verbatim span of a document; ``stale`` says why it should not be trusted today."""

    document_id: str
    passage_id: str
    title: str
    quote: str
    start: int
    end: int
    date: str | None = None
    stale: str = ""


class AnswerTold(msgspec.Struct, omit_defaults=True):
    """An answer whose claims carry marks such as [1], which count ``citations``; or that there is none."""

    answered: bool
    answer: str
    citations: list[CitationTold]
    confidence: float
    written_by: str
    why: str
    contradictions: list[str]
    dropped: list[dict[str, Any]]
    cost_usd: str
    answer_id: str | None = None


class AffectedTold(msgspec.Struct):
    """A kept answer that rests on a document; ``broken`` are its quotes that are no longer in it."""

    answer_id: str
    question: str
    asked_at: str
    broken: list[str]
    cited: bool


class AffectedList(msgspec.Struct):
    """Kept answers that rest on a document, the newest first."""

    document_id: str
    answers: list[AffectedTold]


class JobTold(msgspec.Struct):
    """A job: ``state`` is waiting, running, done, failed or cancelled; ``problem`` says why it failed."""

    job_id: str
    kind: str
    state: str
    created_at: str
    ended_at: str | None = None
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
