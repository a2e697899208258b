"""One version of one text in the library, and how it is written in a row: personal data taken out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import BadInputError
from growthbench.base.jsonio import canonical
from growthbench.content.personal import without_personal_data
from growthbench.content.pieces import DRAFT, Parts, Piece, Variant, texts_of

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"
LONGEST_TITLE = 500
_TITLES = ("title", "subject", "headline", "headlines", "post")


@dataclass(frozen=True)
class Asset:
    """One version of one text.

    Attributes
    ----------
    content_id : str
    version : int
        From 1; the highest is the newest.
    content_type : str
        One of `brief.KINDS`.
    platform, title, body : str
        ``title`` has at most 500 characters; ``body`` is the whole text.
    parts : mapping
        The text by part, as it would be sent.
    metadata : mapping
        Brief, angle, sources, findings, prompt version, who wrote it.
    status : str
        Of this version: draft, needs_review, approved or refused.
    variant_of : str or None
        The piece's first variant.
    brand_check : str
        passed, failed or, after an edit, not checked.
    created_by : str
        Agent or person.
    created_at : str
        ISO 8601.
    performance_score : float or None
        0 to 9.99, whatever the company measures.
    """

    content_id: str
    version: int
    content_type: str
    platform: str
    title: str
    body: str
    parts: Parts
    metadata: Mapping[str, Any]
    status: str
    variant_of: str | None
    brand_check: str
    created_by: str
    created_at: str
    performance_score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**self.__dict__, "parts": dict(self.parts), "metadata": dict(self.metadata)}


def row_of(content_id: str, piece: Piece, variant: Variant, first: str | None, created_by: str) -> dict[str, Any]:
    """The first version of a variant."""
    failed = any(one.check == "brand" and one.severity == "error" for one in variant.findings)
    metadata = {
        **piece.metadata,
        "angle": variant.angle,
        "brief": piece.brief.to_dict(),
        "written_by": piece.written_by,
        "findings": [str(one) for one in variant.findings],
        "scores": dict(variant.scores),
        "removed": [without_personal_data(text) for text in variant.removed],
        "sources": [
            {"document_id": c.document_id, "start": c.start, "end": c.end, "quote": c.quote} for c in piece.facts
        ],
        "facts": [" ".join(c.quote.split()) for c in piece.facts],
    }
    return {
        "content_id": content_id,
        "version": 1,
        "content_type": piece.brief.kind,
        "platform": piece.brief.platform or None,
        **texts_row(clean(variant.parts)),
        "metadata": canonical(metadata),
        "performance_score": None,
        "variant_of": first,
        "brand_check": FAILED if failed else PASSED,
        "created_by": who(created_by),
        "created_at": now_us(),
    }


def texts_row(parts: Parts) -> dict[str, str]:
    """Title, body and parts of a row."""
    title = next((text for name, text in texts_of(parts) if name.partition("[")[0] in _TITLES), "")
    body = "\n\n".join(text for _, text in texts_of(parts))  # the parts keep their order, as the signature has them
    return {
        "title": " ".join(title.split())[:LONGEST_TITLE],
        "body": body,
        "parts": json.dumps(dict(parts), ensure_ascii=False),
    }


def clean(parts: Parts) -> dict[str, str | list[str]]:
    """Parts without personal data."""
    return {
        name: without_personal_data(value) if isinstance(value, str) else [without_personal_data(one) for one in value]
        for name, value in parts.items()
    }


def check_part(name: str, value: Any, before: Any) -> None:
    """Refuse what is not of the kind of text that was there."""
    good = (
        isinstance(value, str)
        if isinstance(before, str)
        else isinstance(value, list) and all(isinstance(v, str) for v in value)
    )
    if not good or "\x00" in canonical(value):
        wanted = "a text" if isinstance(before, str) else "a list of texts"
        raise BadInputError(f"{name} must be {wanted}, found {value!r}", field=name)


def who(name: str) -> str:
    """Who decides or writes, checked."""
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200 or "\x00" in name:
        raise BadInputError(f"say who decides, in 1 to 200 characters; found {name!r}", field="by")
    return without_personal_data(name)


def asset_of(row: Mapping[str, Any], status: str) -> Asset:
    """The asset that a row's values are."""
    score = row["performance_score"]
    return Asset(
        content_id=row["content_id"],
        version=row["version"],
        content_type=row["content_type"],
        platform=row["platform"] or "",
        title=row["title"],
        body=row["body"],
        parts=json.loads(row["parts"]),
        metadata=json.loads(row["metadata"]),
        status=status,
        variant_of=row["variant_of"],
        brand_check=row["brand_check"],
        created_by=row["created_by"],
        created_at=to_iso(row["created_at"]),
        performance_score=None if score is None else score / 100,
    )


def read_row(row) -> Asset:
    """The asset of a row that was read with its status."""
    return asset_of(row._mapping, row.status or DRAFT)
