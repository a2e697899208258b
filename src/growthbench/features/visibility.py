"""What was known at a moment: the one place where time and knowledge are compared."""

_LINKED = (
    "{t}.seq <= {horizon} AND {t}.received_at <= {moment} "
    "AND ({t}.until_seq IS NULL OR {t}.until_seq > {horizon} OR {t}.until_received_at > {moment})"
)


def linked(links: str, moment: str | int, horizon: str | int) -> str:
    """Condition "the link was known, and its end was not": SQL that every engine reads.

    Parameters
    ----------
    links : str
        Alias of the table of links.
    moment, horizon : str or int
        Columns, or numbers.
    """
    return _LINKED.format(t=links, moment=moment, horizon=horizon)


EXPANDED = f"""
SELECT row_id, tenant_id, person, moment, horizon FROM asked
UNION
SELECT a.row_id, a.tenant_id, l.member, a.moment, a.horizon FROM asked AS a JOIN links AS l
  ON l.tenant_id = a.tenant_id AND l.person = a.person AND {linked("l", "a.moment", "a.horizon")}"""
"""The spine, made from the rows ``asked`` for: each person, and every member that was known to be theirs at the moment,
under the same ``row_id``."""


def roots(moment: str | int, horizon: str | int) -> str:
    """Query over ``links``: ``member``, and its ``root``, whom it belonged to as of a moment and horizon."""
    return f"""
SELECT l.tenant_id, l.member, min(l.person) AS root FROM links AS l
WHERE {linked("l", moment, horizon)} AND NOT EXISTS (
  SELECT 1 FROM links AS o
  WHERE o.tenant_id = l.tenant_id AND o.member = l.person AND {linked("o", moment, horizon)})
GROUP BY l.tenant_id, l.member"""


def visible(spine, known) -> list:
    """Join predicates: a person's events that had happened, had been received and had been committed by then.

    Parameters
    ----------
    spine : ibis.Table
        ``tenant_id person moment horizon``, one row for each person of a ``row_id``.
    known : ibis.Table
        ``tenant_id person timestamp received_at seq``.
    """
    return [
        known.tenant_id == spine.tenant_id,
        known.person == spine.person,
        known.timestamp < spine.moment,
        known.received_at <= spine.moment,
        known.seq <= spine.horizon,
    ]
