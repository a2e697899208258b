"""A review as a page that opens anywhere: one file, no scripts, nothing fetched."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import to_iso
from growthbench.runs.review_text import answers_title, claim, inputs, metric_cells, on_rows

if TYPE_CHECKING:
    from growthbench.runs.paired import Difference
    from growthbench.runs.review import Review

_STYLE = """
.gb-review{font:14px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:70rem}
.gb-review h1{font-size:1.3rem;margin:0 0 .2rem}.gb-review h2{font-size:1rem;margin:1.4rem 0 .3rem}
.gb-review p.claim{padding:.6rem .9rem;background:#f3f5f7;border-left:4px solid #57606a;margin:.6rem 0}
.gb-review p.better{border-color:#1a7f37}.gb-review p.worse{border-color:#b3261e}
.gb-review table{border-collapse:collapse}.gb-review th{font-weight:600;color:#57606a}
.gb-review th,.gb-review td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:middle;
border-bottom:1px solid #e4e7ea}
.gb-review td.n{font-variant-numeric:tabular-nums;white-space:nowrap}.gb-review .same{color:#57606a}
.gb-review .better{color:#1a7f37}.gb-review .worse{color:#b3261e}
.gb-review figure{display:inline-block;margin:.4rem 1rem .4rem 0}.gb-review img{max-width:32rem;width:100%}
"""
_WIDTH, _HEIGHT = 220, 18


def page(review: "Review") -> str:
    """The whole HTML document, with the runs' plots side by side at its end."""
    title = escape(f"{review.a.name} and {review.b.name}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Review: {title}</title></head>\n'
        f"<body>{fragment(review, _plots(review))}</body></html>\n"
    )


def fragment(review: "Review", more: str = "") -> str:
    """The review as a block of HTML, as a notebook shows it."""
    parts = [f"<style>{_STYLE}</style>", "<h1>Review</h1>", _runs(review), _claim(review)]
    if review.metrics:
        parts += [f"<h2>Metrics <span class='same'>{escape(on_rows(review))}</span></h2>", _metrics(review.metrics)]
    if review.slices:
        said = f"of {review.slices_looked_at} looked at; intervals hold for all together"
        parts += [f"<h2>Slices that moved <span class='same'>({said})</span></h2>", _metrics(review.slices)]
    if review.answers:
        parts += [f"<h2>{escape(answers_title(review))}</h2>", _table(review.answers)]
    if review.params:
        parts += ["<h2>Parameters</h2>", _table(review.params)]
    for title, rows in inputs(review):
        parts += [f"<h2>{title}</h2>", _table(rows)]
    return f"<div class='gb-review'>{''.join(parts)}{more}</div>"


def _runs(review: "Review") -> str:
    rows = [
        {"": which, "run": run.name, "id": run.id, "made": to_iso(run.started_at)[:16].replace("T", " ") + " UTC"}
        for which, run in (("a", review.a), ("b", review.b))
    ]
    return _table(rows)


def _claim(review: "Review") -> str:
    kind = review.verdict if review.verdict in ("better", "worse") else ""
    return f"<p class='claim {kind}'>{escape(claim(review))}</p>"


def _metrics(found: Sequence["Difference"]) -> str:
    """Rows of figures, each with its interval drawn; one scale a metric, so one a row."""
    rows = []
    for one in found:
        cells = {name: escape(value) for name, value in metric_cells(one).items()}
        verdict = cells.pop("b is")
        css = verdict if verdict in ("better", "worse") else "same"
        cells["less than a | more"] = _interval(one, css)
        cells["b is"] = f"<span class='{css}'>{verdict}</span>"
        rows.append(cells)
    return _table(rows, raw=True)


def _interval(one: "Difference", css: str) -> str:
    """The interval of ``b - a`` as a bar around zero."""
    reach = max(abs(one.lo), abs(one.hi), abs(one.difference)) * 1.1 or 1.0
    x = [(_WIDTH / 2) * (1 + value / reach) for value in (one.lo, one.hi, one.difference)]
    colour = {"better": "#1a7f37", "worse": "#b3261e"}.get(css, "#57606a")
    middle, zero = _HEIGHT / 2, _WIDTH / 2
    said = escape(f"{one.difference:+.4f}, from {one.lo:+.4f} to {one.hi:+.4f}")
    return (
        f"<svg width='{_WIDTH}' height='{_HEIGHT}' role='img' aria-label='{said}'>"
        f"<line x1='{zero}' y1='1' x2='{zero}' y2='{_HEIGHT - 1}' stroke='#c9ced3'/>"
        f"<line x1='{x[0]:.1f}' y1='{middle}' x2='{x[1]:.1f}' y2='{middle}' stroke='{colour}' stroke-width='3'/>"
        f"<circle cx='{x[2]:.1f}' cy='{middle}' r='4' fill='{colour}'/></svg>"
    )


def _plots(review: "Review") -> str:
    """Plots that both runs have, in pairs; none where the runs predict the same."""
    if not review.metrics:
        return ""
    parts = []
    for name in (name for name in review.b.plots if name in review.a.plots):
        parts.append(f"<h2>{escape(name)}</h2>")
        for which, run in (("a", review.a), ("b", review.b)):
            data = b64encode(run.plots[name].read_bytes()).decode()
            picture = f"<img alt='{escape(name)} of {which}' src='data:image/png;base64,{data}'>"
            parts.append(f"<figure><figcaption>{which}</figcaption>{picture}</figure>")
    return "".join(parts)


def _table(rows: Sequence[Mapping[str, Any]], raw: bool = False) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = []
    for row in rows:
        cells = (value if raw else escape("(none)" if value is None else str(value)) for value in row.values())
        lines.append("<tr>" + "".join(f"<td class='n'>{cell}</td>" for cell in cells) + "</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
