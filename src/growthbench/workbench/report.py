"""One page over what the pipeline made: each task's figures, rivals, plots and, for worlds, the truth beside them."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from growthbench.base.jsonio import read_json, write_text

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { border-top: 1px solid #d0d7de; padding-top: 1.5rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: .7rem 0 1.2rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #eaeef2; }
td.n, th.n { text-align: right; } .plots img { width: 32%; min-width: 18rem; } .quiet { color: #59636e; }
"""


def write_report(reports: Path, tasks: Sequence[str], source: str, truths: Mapping[str, Mapping], out: Path) -> None:
    """Write the page, one self-contained file.

    Parameters
    ----------
    reports : Path
        Folder with ``<task>/evaluation`` and ``<task>/run.json`` of each task, ``drift`` and ``expectations``.
    tasks : sequence of str
    source : str
        Where the rows came from.
    truths : mapping of str to mapping
        For tasks whose truth is known: figure name to value.
    out : Path
    """
    parts = [f"<h1>growthbench on {escape(source)}</h1>", _links(reports, out)]
    parts += [_task(reports / task, task, truths.get(task, {})) for task in tasks]
    page = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>growthbench: {escape(source)}</title>'
    page += f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    write_text(page, out)


def _task(folder: Path, task: str, truth: Mapping) -> str:
    evaluation = folder / "evaluation"
    tables = {p.stem: read_json(p) for p in sorted((evaluation / "tables").glob("*.json"))}
    run = read_json(folder / "run.json")["run_id"]
    parts = [f'<h2 id="{task}">{task}</h2><p class="quiet">run {escape(run)}</p>']
    parts += [_table(_metric_rows(read_json(evaluation / "metrics.json")))]
    if truth:
        parts += ["<h3>Against the truth of the world</h3>", _table([dict(truth)])]
    for name, title in (("leaks", "Leaks"), ("baselines", "Baselines on the same rows"), ("slices", "Slices")):
        if tables.get(name):
            parts += [f"<h3>{title}</h3>", _table(tables[name])]
    images = sorted((evaluation / "plots").glob("*.png"))
    parts += ['<p class="plots">', *map(_image, images), "</p>"]
    return "".join(parts)


def _links(reports: Path, out: Path) -> str:
    pages = [("expectations of the log", "expectations/log/expectations.html"), ("drift", "drift/index.html")]
    found = [f'<a href="{href}">{title}</a>' for title, href in pages if (reports / href).is_file()]
    return f'<p class="quiet">{" · ".join(found)}</p>'


def _metric_rows(metrics: Mapping[str, float]) -> list[dict]:
    names = [m for m in metrics if not m.endswith(("_lo", "_hi"))]
    return [
        {"metric": m, "value": metrics[m], "low": metrics.get(f"{m}_lo"), "high": metrics.get(f"{m}_hi")} for m in names
    ]


def _table(rows: Sequence[Mapping]) -> str:
    columns = list(rows[0])
    numeric = {c for c in columns if all(isinstance(r.get(c), int | float | None) for r in rows)}
    mark = {c: ' class="n"' if c in numeric else "" for c in columns}
    head = "".join(f"<th{mark[c]}>{escape(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{mark[c]}>{escape(_cell(row.get(c)))}</td>" for c in columns) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _image(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(path.stem)}" src="data:image/png;base64,{data}">'
