"""A review in words and aligned columns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from growthbench.base.text_table import table
from growthbench.runs.row_differences import LOST, OTHER, WON, counts

if TYPE_CHECKING:
    from growthbench.runs.paired import Difference
    from growthbench.runs.review import Review

_SHORT = 12
_SHOWN, _WIDE = 20, 60


def text(review: "Review") -> str:
    """The whole review for a terminal: only sections with something in them."""
    parts = [f"a  {review.a.name}  {review.a.id[:8]}\nb  {review.b.name}  {review.b.id[:8]}"]
    if review.params:
        parts.append(_titled("Parameters", [{k: _plain(v) for k, v in row.items()} for row in review.params]))
    for title, found in inputs(review):
        parts.append(_titled(title, found))
    if review.metrics:
        parts.append(_titled(f"Metrics {on_rows(review)}", [metric_cells(one) for one in review.metrics]))
    if review.slices:
        title = f"Slices that moved (of {review.slices_looked_at} looked at; intervals hold for all together)"
        parts.append(_titled(title, [metric_cells(one) for one in review.slices]))
    if review.answers:
        parts.append(_titled(answers_title(review), [_shortened(row) for row in review.answers[:_SHOWN]]))
    parts += [f"{side} {view.lost}" for side, view in (("a", review.a), ("b", review.b)) if view.lost]
    return "\n\n".join([*parts, claim(review)])


def claim(review: "Review") -> str:
    """One or two sentences; what has no paired interval, or whose interval holds 0, is not claimed."""
    if review.verdict == "nothing differs":
        return "Nothing differs."
    if not review.metrics:
        return "No prediction differs."
    if not review.paired:
        return (
            f"The two evaluations have {review.rows['common']:,} rows in common: intervals are unpaired, they hold the "
            f"difference of the rows as well as that of the models, and nothing is claimed."
        )
    said = []
    for verdict in ("better", "worse"):
        if those := [one for one in review.metrics if one.verdict == verdict]:
            said.append(f"b is {verdict} in " + ", ".join(f"{m.name} ({_signed(m)})" for m in those))
    if even := [one.name for one in review.metrics if one.verdict == "no difference shown"]:
        said.append(f"no difference is shown in {', '.join(even)}")
    return "; ".join(said) + f" ({review.rows['common']:,} common rows, 95 % paired)."


def answers_title(review: "Review") -> str:
    """How many questions came out otherwise."""
    many = counts(review.answers)
    return (
        f"Answers that differ: {many[LOST]} that only a has right, {many[WON]} that only b has right, "
        f"{many[OTHER]} said otherwise" + (f" (the first {_SHOWN})" if len(review.answers) > _SHOWN else "")
    )


def inputs(review: "Review") -> list[tuple[str, list[dict[str, str]]]]:
    """Data, features, code and environment as titled rows, only those that differ."""
    found = []
    for title in ("data", "features", "code", "environment"):
        if rows := _rows(getattr(review, title)):
            found.append((title.capitalize(), rows))
    return found


def on_rows(review: "Review") -> str:
    """What the metrics were measured on, in a few words."""
    rows = review.rows
    if not review.paired:
        return f"(unpaired: {rows['a']:,} and {rows['b']:,} rows, {rows['common']:,} in common)"
    said = f"on {rows['common']:,} common rows"
    if rows["a"] != rows["common"] or rows["b"] != rows["common"]:
        said += f" (of {rows['a']:,} and {rows['b']:,})"
    return said + (f", {rows['relabelled']:,} with another label left out" if rows["relabelled"] else "")


def metric_cells(one: "Difference") -> dict[str, str]:
    """A difference as the columns of a table."""
    head = {"slice": one.part, "rows": f"{one.rows:,}"} if one.part else {"metric": one.name}
    return head | {
        "a": f"{one.a:.4f}",
        "b": f"{one.b:.4f}",
        "b - a": f"{one.difference:+.4f}",
        "95 %": f"{one.lo:+.4f} to {one.hi:+.4f}",
        "b is": one.verdict,
    }


def _titled(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return f"{title}\n{table(list(rows))}"


def _rows(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Pairs become ``what a b``; lists of names and of packages become rows of their own."""
    rows = []
    for key, value in found.items():
        if key == "packages":
            rows += [{"what": row["name"], "a": _plain(row["a"]), "b": _plain(row["b"])} for row in value]
        elif key in ("only_a", "only_b"):
            there = {"only_a": ("yes", ""), "only_b": ("", "yes")}[key]
            rows += [{"what": f"column {name}", "a": there[0], "b": there[1]} for name in value]
        elif key in ("changed", "files"):
            what = "column" if key == "changed" else "file"
            rows += [{"what": f"{what} {name}", "a": "differs", "b": "differs"} for name in value]
        else:
            rows.append({"what": key.replace("_", " "), "a": _short(value[0]), "b": _short(value[1])})
    return rows


def _short(value: str) -> str:
    is_digest = len(value) >= 40 and set(value) <= set("0123456789abcdef")
    return value[:_SHORT] if is_digest else value


def _shortened(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: " ".join(str(value).split()) for name, value in row.items()}
    return {name: text if len(text) <= _WIDE else text[: _WIDE - 1] + "…" for name, text in texts.items()}


def _plain(value: Any) -> str:
    return "(none)" if value is None else str(value)


def _signed(one: "Difference") -> str:
    return f"{one.difference:+.4f}, {one.lo:+.4f} to {one.hi:+.4f}"
