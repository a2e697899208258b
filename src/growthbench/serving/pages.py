"""What our HTML pages share: one self-contained form, nothing loaded from anywhere, nothing that runs."""

import base64
import hashlib
from html import escape

from growthbench.serving.http import Reply

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2b6cb0; }
@media (prefers-color-scheme: dark) { :root { --accent: #7ab8ff; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { margin-bottom: .2rem; }
a { color: var(--accent); }
code, pre { font: 13px/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .7rem; overflow-x: auto; white-space: pre-wrap; word-break: break-word; }
pre code { padding: 0; background: none; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; vertical-align: top;
  border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 .8rem; }
summary { cursor: pointer; padding: .5rem 0; } details[open] > summary { border-bottom: 1px solid var(--line); }
.verb { display: inline-block; min-width: 4.5rem; font: bold 13px ui-monospace, monospace; }
.get { color: #2f855a; } .post { color: #2b6cb0; } .patch, .put { color: #b7791f; } .delete { color: #c53030; }
.ok { color: #2f855a; } .degraded { color: #b7791f; } .down { color: #c53030; } .soft { opacity: .7; }
nav a { margin-right: 1rem; }
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = [
    (b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; "
                                 f"base-uri 'none'; form-action 'none'".encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]  # fmt: skip
"""Even if something slipped in that looks like a script, a browser would not run it."""


def page(title: str, content: str) -> str:
    """A page; ``content`` is HTML, its texts escaped."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{content}</body></html>"
    )


def html_reply(content: str, status: int = 200, headers: list | None = None) -> Reply:
    """A page as a reply."""
    return Reply(content.encode(), status, [*HEADERS, *(headers or [])], b"text/html; charset=utf-8")
