"""The report as one HTML page: no script, no network, readable in light and dark."""

from html import escape
from itertools import groupby

from growthbench.events.expectations.report import ExpectationReport, Finding

_STYLE = """
:root { color-scheme: light dark; --ink:#1d2433; --soft:#667085; --line:#e4e7ec; --card:#fff; --back:#f6f7f9;
  --good:#177245; --bad:#b42318; --warn:#b25e09; --info:#2f5fb3; --bar:#6b8fd6; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ef; --soft:#98a2b3; --line:#2c3442; --card:#171c26;
  --back:#0f131a; --good:#4cc38a; --bad:#ff7a6b; --warn:#f0a24a; --info:#8ab4f8; --bar:#4f73b8; } }
* { box-sizing: border-box }
body { margin:0; background:var(--back); color:var(--ink); font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { font-size:1.5rem; margin:0 0 .25rem } h2 { font-size:1.05rem; margin:2rem 0 .6rem }
p { margin:.25rem 0 } .soft { color:var(--soft) }
.verdict { border-left:4px solid var(--good); background:var(--card); padding:1rem 1.25rem; border-radius:.5rem;
  margin:1.25rem 0; box-shadow:0 1px 2px #0001 }
.verdict.bad { border-color:var(--bad) } .verdict.warn { border-color:var(--warn) } .verdict b { font-size:1.1rem }
.scroll { overflow-x:auto; background:var(--card); border:1px solid var(--line); border-radius:.5rem }
table { border-collapse:collapse; width:100% } td,th { padding:.5rem .75rem; text-align:left; vertical-align:top }
tr + tr td { border-top:1px solid var(--line) } th { font-weight:600; color:var(--soft); font-size:.85rem }
td.n { text-align:right; font-variant-numeric:tabular-nums; white-space:nowrap }
.mark { width:1.5rem; font-weight:700 } .ok { color:var(--good) } .critical { color:var(--bad) }
.warning { color:var(--warn) } .info { color:var(--info) }
.chip { font-size:.75rem; border:1px solid currentColor; border-radius:1rem; padding:.05rem .5rem; white-space:nowrap }
.bar { background:var(--bar); height:.7rem; border-radius:.2rem; min-width:2px } .bars td { padding:.2rem .75rem }
code { font-size:.85em; overflow-wrap:anywhere } details { margin-top:.25rem } summary { cursor:pointer }
"""


def page(report: ExpectationReport) -> str:
    """HTML of a report."""
    name = escape(report.name)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Expectations: {name}</title><style>{_STYLE}</style></head><body><main>
<h1>{name}</h1><p class="soft">{report.rows:,} rows, {len(report.findings)} expectations</p>
{_verdict(report)}
{_failed(report)}
{"".join(_suite(suite, list(found)) for suite, found in groupby(report.findings, key=lambda f: f.suite))}
{_counts(report)}
{_facts(report)}
</main></body></html>
"""


def _verdict(report: ExpectationReport) -> str:
    critical, others = len(report.failed_critical), len(report.failed) - len(report.failed_critical)
    if critical:
        kind, text = "bad", f"{critical} critical expectation{'s' * (critical != 1)} not met: the pipeline stops here."
    elif others:
        kind, text = "warn", f"Usable; {others} warning{'s' * (others != 1)} worth a look."
    else:
        kind, text = "", "Everything is as expected."
    rows = f"Row-by-row expectations saw {report.sampled:,} of {report.rows:,} rows; the others are exact."
    sampled = f'<p class="soft">{rows}</p>' if report.sampled < report.rows and report.sampled else ""
    return f'<div class="verdict {kind}"><b>{text}</b>{sampled}</div>'


def _failed(report: ExpectationReport) -> str:
    order = {"critical": 0, "warning": 1, "info": 2}
    failed = sorted(report.failed, key=lambda f: order[f.severity])
    return _table("Not as expected", failed) if failed else ""


def _suite(suite: str, findings: list[Finding]) -> str:
    return _table(suite.capitalize(), findings)


def _table(title: str, findings: list[Finding]) -> str:
    rows = "".join(_row(f) for f in findings)
    head = "<tr><th></th><th>Expected</th><th>Found</th><th>Severity</th></tr>"
    return f'<h2>{escape(title)}</h2><div class="scroll"><table>{head}{rows}</table></div>'


def _row(f: Finding) -> str:
    mark = '<td class="mark ok">✓</td>' if f.passed else f'<td class="mark {f.severity}">✗</td>'
    examples = ", ".join(f"<code>{escape(e[:80])}</code>" for e in dict.fromkeys(f.examples))
    more = f'<details open><summary class="soft">for example</summary>{examples}</details>' if examples else ""
    chip = f'<span class="chip {"soft" if f.passed else f.severity}">{f.severity}</span>'
    return f"<tr>{mark}<td>{escape(f.about)}</td><td>{escape(f.observed)}{more}</td><td>{chip}</td></tr>"


def _counts(report: ExpectationReport) -> str:
    if not report.counts:
        return ""
    most = max(n for _, n in report.counts)
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{n:,}</td>'
        f'<td style="width:50%"><div class="bar" style="width:{100 * n / most:.1f}%"></div></td></tr>'
        for name, n in report.counts
    )
    return f'<h2>Counts</h2><div class="scroll bars"><table>{rows}</table></div>'


def _facts(report: ExpectationReport) -> str:
    if not report.facts:
        return ""
    rows = "".join(
        f'<tr><td><code>{escape(name)}</code></td><td class="n">{_number(v)}</td></tr>'
        for name, v in report.facts.items()
    )
    return f'<h2>Figures</h2><div class="scroll"><table>{rows}</table></div>'


def _number(value) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
