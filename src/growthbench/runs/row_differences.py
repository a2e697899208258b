"""Rows of two evaluations that came out otherwise: what a reviewer reads one by one."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from growthbench.runs.paired import CommonRows

LOST, WON, OTHER = "lost", "won", "otherwise"
_ORDER = {LOST: 0, WON: 1, OTHER: 2}


def rows_that_differ(rows: "CommonRows") -> list[dict[str, Any]]:
    """Rows with a text to read (``question``) that a and b answered otherwise; what b lost comes first.

    Returns
    -------
    list of dict
        ``key question what a b``: ``what`` is ``lost`` (a was right, b is not), ``won`` or ``otherwise``; a and b are
        what was said, with a mark whether it was right.
    """
    a, b = rows.a, rows.b
    if not {"question", "hit"} <= set(a) & set(b):
        return []
    said_a, said_b = _said(a), _said(b)
    right_a, right_b = a["hit"].to_numpy(bool), b["hit"].to_numpy(bool)
    found = []
    for i, (key, question) in enumerate(zip(b["key"], b["question"])):
        if right_a[i] == right_b[i] and said_a[i] == said_b[i]:
            continue
        what = OTHER if right_a[i] == right_b[i] else WON if right_b[i] else LOST
        found.append({"key": key, "question": question, "what": what, "a": _marked(said_a[i], right_a[i]),
                      "b": _marked(said_b[i], right_b[i])})  # fmt: skip
    return sorted(found, key=lambda row: _ORDER[row["what"]])


def counts(found: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows were lost, won, and answered otherwise without a change of right and wrong."""
    return {what: sum(row["what"] == what for row in found) for what in _ORDER}


def _said(rows: "pd.DataFrame") -> list[str]:
    column = "answer" if "answer" in rows else "predicted"
    return [str(value) for value in rows[column]]


def _marked(said: str, right: bool) -> str:
    return f"{'right' if right else 'wrong'}: {said}"
