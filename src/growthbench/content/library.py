"""The content library: every version of every asset, decisions about them, and nothing that was ever changed.

A piece is kept as one asset a variant. An edit is a new version; so is nothing else. Statuses are decisions that are
added, never overwritten. Personal data is taken out of a text before it is kept.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError, UnknownNameError
from growthbench.base.ids import new_id
from growthbench.base.jsonio import canonical
from growthbench.content.asset import NOT_CHECKED, Asset, asset_of, check_part, clean, read_row, row_of, texts_row, who
from growthbench.content.brief import KINDS
from growthbench.content.personal import without_personal_data
from growthbench.content.pieces import DRAFT, NEEDS_REVIEW, Parts, Piece
from growthbench.store.content_tables import content_decisions, content_library
from growthbench.store.engine import Store

APPROVED, REFUSED = "approved", "refused"
STATUSES = (DRAFT, NEEDS_REVIEW, APPROVED, REFUSED)


def keep(store: Store, tenant: str, piece: Piece, created_by: str) -> list[Asset]:
    """Put a piece's variants into the library.

    Parameters
    ----------
    created_by : str
        Name of the agent or user that had it written; no e-mail address.
    """
    rows, first = [], None
    for variant in piece.variants:
        content_id = new_id("cnt")
        status = DRAFT if variant.passed and piece.status == DRAFT else NEEDS_REVIEW
        rows.append((row_of(content_id, piece, variant, first, created_by), status))
        first = first or content_id
    with store.writing() as connection:
        for row, status in rows:
            connection.execute(insert(content_library).values(tenant_id=tenant, **row))
            _decide(connection, tenant, row["content_id"], 1, status, created_by, "written")
    return [asset_of(row, status) for row, status in rows]


def list_content(
    store: Store, tenant: str, *, kind: str | None = None, status: str | None = None, limit: int = 50
) -> list[Asset]:
    """Newest versions, the newest first."""
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind of content", kind, KINDS, field="kind")
    if status is not None and status not in STATUSES:
        raise UnknownNameError("status", status, STATUSES, field="status")
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise BadInputError(f"limit must be 1 to 1000, found {limit!r}", field="limit")
    c = content_library.c
    newest = (
        select(c.content_id, func.max(c.version).label("version")).where(c.tenant_id == tenant).group_by(c.content_id)
    ).subquery()
    query = (
        select(content_library, _status_now(tenant).label("status"))
        .join(newest, (newest.c.content_id == c.content_id) & (newest.c.version == c.version))
        .where(c.tenant_id == tenant)
        .order_by(c.created_at.desc(), c.content_id.desc())
    )
    query = query if kind is None else query.where(c.content_type == kind)
    query = query if status is None else query.where(_status_now(tenant) == status)
    with store.reading() as connection:
        return [read_row(row) for row in connection.execute(query.limit(limit))]


def get(store: Store, tenant: str, content_id: str, version: int | None = None) -> Asset:
    """One version, the newest by default.

    Raises
    ------
    NotFoundError
    """
    with store.reading() as connection:
        return _get(connection, tenant, content_id, version)


def versions_of(store: Store, tenant: str, content_id: str) -> list[Asset]:
    """All versions, the newest first; NotFoundError if there is none."""
    query = _select(tenant, content_id).order_by(content_library.c.version.desc())
    with store.reading() as connection:
        found = [read_row(row) for row in connection.execute(query)]
    if not found:
        raise NotFoundError(f"there is no content {content_id!r}")
    return found


def approve(store: Store, tenant: str, content_id: str, by: str, reason: str = "", version: int | None = None) -> Asset:
    """A person says that a version may go out."""
    return _decided(store, tenant, content_id, APPROVED, by, reason, version)


def refuse(store: Store, tenant: str, content_id: str, by: str, reason: str = "", version: int | None = None) -> Asset:
    """A person says that a version may not go out."""
    return _decided(store, tenant, content_id, REFUSED, by, reason, version)


def edit(store: Store, tenant: str, content_id: str, parts: Parts, by: str) -> Asset:
    """A person's better text: a new version and, by that, a training example (`examples.training_examples`).

    Raises
    ------
    BadInputError
        Other parts than the text has, or nothing changed.
    """
    with store.writing() as connection:
        before = _get(connection, tenant, content_id, None)
        now = {name: parts.get(name, value) for name, value in before.parts.items()}
        if odd := sorted(set(parts) - set(before.parts)):
            raise BadInputError(f"{content_id} has no part {odd[0]!r}, but {', '.join(before.parts)}", field="parts")
        for name, value in now.items():
            check_part(name, value, before.parts[name])
        cleaned = clean(now)
        if cleaned == dict(before.parts):
            raise BadInputError("the edit changes nothing", field="parts")
        row = {
            "content_id": content_id,
            "version": before.version + 1,
            "content_type": before.content_type,
            "platform": before.platform or None,
            **texts_row(cleaned),
            "metadata": canonical(dict(before.metadata) | {"edited_from": before.version, "findings": []}),
            "performance_score": None,
            "variant_of": before.variant_of,
            "brand_check": NOT_CHECKED,
            "created_by": who(by),
            "created_at": now_us(),
        }
        connection.execute(insert(content_library).values(tenant_id=tenant, **row))
        _decide(connection, tenant, content_id, row["version"], DRAFT, by, "edited")
    return asset_of(row, DRAFT)


def rate(store: Store, tenant: str, content_id: str, score: float, version: int | None = None) -> Asset:
    """Note how a version did, 0 to 9.99: an observation about it, the one column that is written later."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 9.99:
        raise BadInputError(f"performance_score must be 0 to 9.99, found {score!r}", field="performance_score")
    c = content_library.c
    with store.writing() as connection:
        asset = _get(connection, tenant, content_id, version)
        mine = (c.tenant_id == tenant, c.content_id == content_id, c.version == asset.version)
        connection.execute(update(content_library).where(*mine).values(performance_score=round(score * 100)))
    return replace(asset, performance_score=round(score, 2))


def decisions_of(store: Store, tenant: str, content_id: str) -> list[dict[str, Any]]:
    """Who decided what about which version, in order."""
    d = content_decisions.c
    query = select(d.version, d.status, d.decided_by, d.reason, d.at).where(
        d.tenant_id == tenant, d.content_id == content_id
    )
    with store.reading() as connection:
        rows = connection.execute(query.order_by(d.number)).all()
    return [{**row._mapping, "at": to_iso(row.at)} for row in rows]


def _decided(store, tenant, content_id, status, by, reason, version) -> Asset:
    with store.writing() as connection:
        asset = _get(connection, tenant, content_id, version)
        if asset.status == status:
            raise ConflictError(f"{content_id} version {asset.version} is {status} already")
        _decide(connection, tenant, content_id, asset.version, status, by, reason)
    return replace(asset, status=status)


def _decide(
    connection: Connection, tenant: str, content_id: str, version: int, status: str, by: str, reason: str
) -> None:
    d = content_decisions.c
    mine = (d.tenant_id == tenant, d.content_id == content_id)
    number = (connection.execute(select(func.max(d.number)).where(*mine)).scalar() or 0) + 1
    told = {"status": status, "decided_by": who(by), "reason": without_personal_data(reason)[:1000], "at": now_us()}
    row = {"tenant_id": tenant, "content_id": content_id, "number": number, "version": version, **told}
    connection.execute(insert(content_decisions).values(**row))


def _status_now(tenant: str):
    """The last decision about a version, as a column."""
    d, c = content_decisions.c, content_library.c
    query = select(d.status).where(d.tenant_id == tenant, d.content_id == c.content_id, d.version == c.version)
    return query.order_by(d.number.desc()).limit(1).correlate(content_library).scalar_subquery()


def _select(tenant: str, content_id: str):
    c = content_library.c
    query = select(content_library, _status_now(tenant).label("status"))
    return query.where(c.tenant_id == tenant, c.content_id == content_id)


def _get(connection: Connection, tenant: str, content_id: str, version: int | None) -> Asset:
    query = _select(tenant, content_id).order_by(content_library.c.version.desc()).limit(1)
    if version is not None:
        held = 0 < version < 2**63  # what a column can hold; drivers raise errors of their own beyond it
        query = query.where(content_library.c.version == (version if held else 0))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no content {content_id!r}{'' if version is None else f' in version {version}'}")
    return read_row(row)
