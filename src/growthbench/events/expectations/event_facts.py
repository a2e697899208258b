"""Exact figures of a whole log, by DuckDB, so that five million events are judged in seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from growthbench.base.clock import DAY_US
from growthbench.events.catalogue import EVENT_TYPES, PROPERTIES
from growthbench.events.checks import EXACT_INT, MAX_TEXT, TIME_RANGE_US
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS

POSITIVE = ("purchase", "deal_opened", "deal_won", "subscription_started", "invoice_paid")
NEGATIVE = ("refund",)
"""Names whose amount is never below, never above zero (event catalogue)."""

_REQUIRED = tuple(f.name for f in EVENT_FIELDS if not f.nullable)
_DECLARED = {p.name: p.kind for p in PROPERTIES}


@contextmanager
def opened(log: Any) -> Iterator[Any]:
    """A DuckDB connection with the views ``events`` and ``log_values`` over a log.

    Parameters
    ----------
    log : EventData, Lake or path
        In memory, a lake, its folder, or one Parquet file of events.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        if hasattr(log, "events") and hasattr(log, "values"):
            connection.register("events", log.events)
            connection.register("log_values", log.values)
        else:
            files = {part: _files(log, part) for part in ("events", "values")}
            _view(connection, "events", files["events"], EVENT_FIELDS)
            _view(connection, "log_values", files["values"], VALUE_FIELDS)
        yield connection


def columns_of(connection, view: str) -> dict[str, str]:
    """Columns of a view and their kinds, ``text`` or ``int`` (DuckDB's own name for any other)."""
    kinds = {"VARCHAR": "text", "BIGINT": "int"}
    rows = connection.execute(f"DESCRIBE {view}").fetchall()
    return {name: kinds.get(kind, kind.lower()) for name, kind, *_ in rows}


def event_facts(connection, bot_events_a_day: int, late_days: int) -> dict[str, Any]:
    """Counts and shares over all events."""
    missing = ", ".join(f"count(*) - count({c}) AS missing_{c}" for c in _REQUIRED)
    names = ", ".join(f"'{t.name}'" for t in EVENT_TYPES)
    low, high = TIME_RANGE_US
    query = f"""
        SELECT count(*) AS events, {missing},
            count(*) - count(DISTINCT (tenant_id, event_id)) AS repeated_event_ids,
            count(*) - count(DISTINCT (tenant_id, seq)) AS repeated_seqs,
            coalesce(max(seq) - min(seq) + 1 - count(*), 0) AS seq_gaps,
            coalesce(min(seq), 1) AS first_seq,
            count(DISTINCT tenant_id) AS tenants,
            count(DISTINCT person) AS people,
            min(timestamp) AS first_timestamp, max(timestamp) AS last_timestamp,
            count(*) FILTER (timestamp NOT BETWEEN {low} AND {high} OR received_at NOT BETWEEN {low} AND {high})
                AS outside_calendar,
            count(*) FILTER (day <> floor(timestamp / {DAY_US}.0)) AS wrong_days,
            avg((timestamp > received_at)::int) AS known_before_share,
            avg((received_at - timestamp > {late_days * DAY_US})::int) AS late_share,
            count(*) FILTER (length(name) NOT BETWEEN 1 AND 100) AS bad_name_lengths,
            count(*) FILTER (greatest(length(person), length(event_id)) > {MAX_TEXT}
                OR least(length(person), length(event_id)) < 1) AS bad_id_lengths,
            count(*) FILTER (abs(amount) >= {EXACT_INT} OR abs(quantity) >= {EXACT_INT}) AS inexact_numbers,
            count(*) FILTER (amount IS NOT NULL AND currency IS NULL) AS amounts_without_currency,
            avg((name NOT IN ({names}))::int) AS unknown_name_share
        FROM events"""
    return _row(connection, query) | _bots(connection, bot_events_a_day)


def name_facts(connection) -> pd.DataFrame:
    """One row per event name: ``name events below_zero above_zero wrong_sign``, the most frequent first."""
    frame = connection.execute("""
        SELECT name, count(*) AS events,
            count(*) FILTER (amount < 0) AS below_zero, count(*) FILTER (amount > 0) AS above_zero
        FROM events WHERE name IS NOT NULL GROUP BY name ORDER BY events DESC, name""").fetch_df()
    frame["wrong_sign"] = frame["below_zero"].where(frame["name"].isin(POSITIVE), 0)
    frame["wrong_sign"] = frame["above_zero"].where(frame["name"].isin(NEGATIVE), frame["wrong_sign"])
    return frame.astype({"wrong_sign": "int64"})


def value_facts(connection) -> dict[str, Any]:
    """Counts over all declared values."""
    kinds = " ".join(f"WHEN '{name}' THEN {kind}_value IS NULL" for name, kind in _DECLARED.items())
    query = f"""
        SELECT count(*) AS stored_values,
            count(*) - count(key) AS missing_keys,
            count(*) FILTER ((text_value IS NULL) = (int_value IS NULL)) AS not_exactly_one,
            count(*) FILTER (CASE key {kinds} ELSE false END) AS wrong_kinds,
            count(*) - count(DISTINCT (tenant_id, event_id, key)) AS repeated_keys,
            count(*) FILTER (key = 'employees' AND int_value NOT BETWEEN 0 AND 10000000) AS odd_employees,
            count(*) FILTER (abs(int_value) >= {EXACT_INT}) AS inexact_numbers
        FROM log_values"""
    orphans = """
        SELECT count(*) AS orphans FROM log_values AS v ANTI JOIN events AS e
        ON v.tenant_id = e.tenant_id AND v.seq = e.seq AND v.event_id = e.event_id"""
    return _row(connection, query) | _row(connection, orphans)


def sample(connection, rows: int) -> pd.DataFrame:
    """At most ``rows`` events, evenly spread over the log by ``seq``, the same every time."""
    (total,) = connection.execute("SELECT count(*) FROM events").fetchone()
    step = max(1, -(-total // rows))
    return connection.execute(f"SELECT * FROM events WHERE seq % {step} = 0 OR {step} = 1 ORDER BY seq").fetch_df()


def _bots(connection, events_a_day: int) -> dict[str, Any]:
    query = f"""
        SELECT coalesce(avg((busiest > {events_a_day})::int), 0) AS bot_people_share,
            coalesce(sum(events) FILTER (busiest > {events_a_day}) / sum(events), 0) AS bot_event_share
        FROM (SELECT person, sum(n) AS events, max(n) AS busiest
              FROM (SELECT person, day, count(*) AS n FROM events GROUP BY person, day) GROUP BY person)"""
    return _row(connection, query)


def _row(connection, query: str) -> dict[str, Any]:
    answer = connection.execute(query)
    names = [c[0] for c in answer.description]
    return {name: _plain(value) for name, value in zip(names, answer.fetchone())}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)


def _files(log: Any, part: str) -> list[Path]:
    if hasattr(log, "files"):
        return log.files(part)
    path = Path(log)
    if path.is_file():
        return [path] if part == "events" else []
    return sorted((path / part).rglob("*.parquet"))


def _view(connection, name: str, files: list[Path], fields) -> None:
    if files:
        relation = connection.read_parquet([str(f) for f in files], hive_partitioning=False)
        relation.create_view(name)
        return
    kinds = {"text": "VARCHAR", "int": "BIGINT"}
    columns = ", ".join(f'NULL::{kinds[f.kind]} AS "{f.name}"' for f in fields)
    connection.execute(f"CREATE VIEW {name} AS SELECT {columns} WHERE false")
