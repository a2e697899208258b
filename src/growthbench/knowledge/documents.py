"""What is ingested: one document with its place, its date and who may read it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical

COLLECTIONS = {
    "product_docs": "what the product does, costs and promises",
    "user_behavior": "how customers use it",
    "market_trends": "what the market does",
    "competitor_intel": "what others offer",
    "campaign_history": "what was tried, and what came of it",
    "customer_feedback": "what customers say",
}
"""The six collections and what belongs into each."""

LONGEST_ID = 400


@dataclass(frozen=True)
class Document:
    """One document: its text is what every citation is held against.

    Attributes
    ----------
    document_id : str
        The same at every ingest; for files their path below the folder that is ingested.
    collection : str
        One of `COLLECTIONS`.
    title : str
    text : str
        Markdown or plain; `Passage` and citation spans count its characters.
    source : str
        Where it came from, for people: a path or an address.
    date : str, optional
        ISO day from which its content holds.
    roles : tuple of str
        Who may read it; empty: everybody of the tenant.
    metadata : dict
        JSON values: ``subject``, ``valid_until``, ``supersedes`` ...
    """

    document_id: str
    collection: str
    title: str
    text: str
    source: str = ""
    date: str | None = None
    roles: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        where = f"document {self.document_id!r}"
        if not isinstance(self.document_id, str) or not 0 < len(self.document_id.strip()) <= LONGEST_ID:
            raise BadInputError(f"{where} needs an id of 1 to {LONGEST_ID} characters", field="document_id")
        if self.collection not in COLLECTIONS:
            raise UnknownNameError("collection", self.collection, COLLECTIONS, field="collection")
        for name in ("title", "text", "source"):
            _check_text(getattr(self, name), where, name)
        if not self.text.strip():
            raise BadInputError(f"{where} holds no text", field="text")
        _check_date(self.date, where)
        if isinstance(self.roles, str) or not all(isinstance(r, str) and r.strip() for r in self.roles):
            raise BadInputError(f"{where}: roles must be a list of names, found {self.roles!r}", field="roles")
        object.__setattr__(self, "roles", tuple(sorted(set(self.roles))))
        _check_metadata(self.metadata, where)

    @property
    def digest(self) -> str:
        """SHA-256 over everything a search or an answer can see of it."""
        told = [self.collection, self.title, self.source, self.date, list(self.roles), self.metadata]
        return digest(self.document_id, canonical(told), self.text)


def _check_text(value: Any, where: str, name: str) -> None:
    if not isinstance(value, str):
        raise BadInputError(f"{where}: {name} must be a text, found {type(value).__name__}", field=name)
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadInputError(f"{where}: {name} holds NUL or half a surrogate pair, which no store keeps", field=name)


def _check_date(value: Any, where: str) -> None:
    if value is None:
        return
    try:
        good = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        good = False
    if not good:
        raise BadInputError(f"{where}: date must be a day like 2026-03-31, found {value!r}", field="date")


def _check_metadata(value: Any, where: str) -> None:
    try:
        good = isinstance(value, dict) and all(isinstance(key, str) for key in value) and bool(canonical(value))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise BadInputError(f"{where}: metadata must be an object of JSON values, found {value!r}", field="metadata")
