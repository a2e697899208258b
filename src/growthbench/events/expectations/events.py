"""Expectations of an event log."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from growthbench.base.clock import to_iso
from growthbench.base.errors import DataFormatError
from growthbench.events.expectations import event_facts as facts_of
from growthbench.events.expectations.judge import judge, library
from growthbench.events.expectations.report import ExpectationReport, Finding
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS

_SAMPLE_ROWS = 100_000
_SHOWN_NAMES = 30


@dataclass(frozen=True)
class EventLimits:
    """What is still normal in a log; beyond it is a warning.

    Attributes
    ----------
    known_before_share : float
        Share of events received before they happened (clocks that run ahead).
    late_days, late_share
        Share of events received more than so many days late.
    bot_events_a_day, bot_event_share
        Share of events by people with a day of more events than a person can do.
    unknown_name_share : float
        Share of events whose name the event catalogue does not know; the shipped features do not read them.
    """

    known_before_share: float = 0.01
    late_days: int = 30
    late_share: float = 0.05
    bot_events_a_day: int = 1_000
    bot_event_share: float = 0.05
    unknown_name_share: float = 0.2


def check_events(log: Any, name: str = "events", limits: EventLimits | None = None) -> ExpectationReport:
    """Look at a whole log: schema, missing values, uniqueness, order, ranges, signs of amounts, bots, late arrivals.

    Figures are exact over all events; only the three formats (currency, name, person) are looked at row by row, on an
    even sample of 100,000.

    Parameters
    ----------
    log : EventData, Lake or path
        A log in memory, a lake, its folder, or one Parquet file of events.
    name : str
        What to call it in the report.
    limits : EventLimits, optional

    Returns
    -------
    ExpectationReport
    """
    limits = limits or EventLimits()
    gx = library()
    with facts_of.opened(log) as connection:
        findings = _schema(gx, connection)
        if any(not f.passed for f in findings):
            return ExpectationReport(name, 0, tuple(findings))  # nothing else can be asked of such a table
        facts = facts_of.event_facts(connection, limits.bot_events_a_day, limits.late_days)
        if not facts["events"]:
            raise DataFormatError(f"{name} has no events: nothing to expect of them", field="events")
        values, names = facts_of.value_facts(connection), facts_of.name_facts(connection)
        sample = facts_of.sample(connection, _SAMPLE_ROWS)
    findings += judge("whole log", pd.DataFrame([facts]), _log_suite(gx, limits))
    findings += judge("by event name", names, _name_suite(gx))
    findings += judge("declared values", pd.DataFrame([values]), _value_suite(gx))
    findings += judge("rows", sample, _row_suite(gx))
    told = facts | {f"values.{k}": v for k, v in values.items()}
    told |= {end: _moment(told[end]) for end in ("first_timestamp", "last_timestamp")}
    counts = tuple(names[["name", "events"]].head(_SHOWN_NAMES).itertuples(index=False, name=None))
    return ExpectationReport(name, facts["events"], tuple(findings), told, counts, len(sample))


def _moment(us: int | None) -> str | None:
    try:
        return None if us is None else to_iso(us)
    except OverflowError:
        return f"{us} µs"


def _schema(gx, connection) -> list[Finding]:
    findings = []
    for view, fields, what in (("events", EVENT_FIELDS, "events"), ("log_values", VALUE_FIELDS, "declared values")):
        found = {c: k for c, k in facts_of.columns_of(connection, view).items() if c != "bucket"}
        columns = sorted(f"{c} {k}" for c, k in found.items())
        expected = sorted(f"{f.name} {f.kind}" for f in fields)
        frame = pd.DataFrame({c: pd.Series(dtype="int64") for c in columns})
        about = {"about": f"{what} have the columns and types of the event schema"}
        findings += judge(
            "schema", frame, [gx.expectations.ExpectTableColumnsToMatchSet(column_set=expected, meta=about)]
        )
    return findings


def _log_suite(gx, limits: EventLimits) -> list:
    required = [f.name for f in EVENT_FIELDS if not f.nullable]
    days, bots = limits.late_days, limits.bot_events_a_day
    none = [(f"missing_{c}", f"every event has {c}") for c in required]
    none += [
        ("repeated_event_ids", "an event_id comes once"),
        ("repeated_seqs", "a seq comes once"),
        ("outside_calendar", "times lie in the years 1 to 9999"),
        ("wrong_days", "day is the day of timestamp"),
        ("bad_name_lengths", "names have 1 to 100 characters"),
        ("bad_id_lengths", "person and event_id have 1 to 1,000 characters"),
        ("inexact_numbers", "amounts and quantities are below 2^53"),
    ]
    at_most = [
        ("seq_gaps", 0, "warning", "seq counts without gaps"),
        ("first_seq", 1, "info", "the log begins with seq 1"),
        ("tenants", 1, "warning", "all events are of one tenant"),
        ("amounts_without_currency", 0, "warning", "amounts have a currency"),
        ("known_before_share", limits.known_before_share, "warning", "events are received after they happened"),
        ("late_share", limits.late_share, "warning", f"few events are received more than {days} days late"),
        ("bot_event_share", limits.bot_event_share, "warning", f"few events are of people with {bots:,} on one day"),
        ("unknown_name_share", limits.unknown_name_share, "warning", "most names are in the event catalogue"),
    ]
    return [
        *(_at_most(gx, column, 0, "critical", about) for column, about in none),
        *(_at_most(gx, *row) for row in at_most),
    ]


def _name_suite(gx) -> list:
    about = "payments are not below zero, refunds not above"
    return [_at_most(gx, "wrong_sign", 0, "critical", about)]


def _value_suite(gx) -> list:
    return [
        _at_most(gx, "missing_keys", 0, "critical", "every value has a key"),
        _at_most(gx, "not_exactly_one", 0, "critical", "a value is a text or a whole number, not both"),
        _at_most(gx, "wrong_kinds", 0, "critical", "declared properties have their declared kind"),
        _at_most(gx, "repeated_keys", 0, "critical", "a key comes once per event"),
        _at_most(gx, "orphans", 0, "critical", "every value belongs to an event"),
        _at_most(gx, "inexact_numbers", 0, "critical", "numbers are below 2^53"),
        _at_most(gx, "odd_employees", 0, "warning", "employees lie between 0 and 10 million"),
    ]


def _row_suite(gx) -> list:
    expect = gx.expectations.ExpectColumnValuesToMatchRegex
    formats = [
        ("currency", r"^[A-Z]{3}$", "warning", "currency is a three-letter code"),
        ("name", r"^[A-Za-z][\w .:/-]*$", "info", "names begin with a letter and hold no odd characters"),
        ("person", r"^\S$|^\S.*\S$", "info", "person has no blanks around it"),
    ]
    return [
        expect(column=column, regex=regex, mostly=0.999, severity=severity, meta={"about": about})
        for column, regex, severity, about in formats
    ]


def _at_most(gx, column: str, limit: float, severity: str, about: str):
    return gx.expectations.ExpectColumnMaxToBeBetween(
        column=column, max_value=limit, severity=severity, meta={"about": about}
    )
