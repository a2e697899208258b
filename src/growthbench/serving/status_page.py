"""The front page: what is served and how it is, for people."""

from collections.abc import Mapping
from html import escape
from typing import Any

from growthbench.serving.pages import page

_LINKS = (("/docs", "documentation"), ("/openapi.json", "OpenAPI"), ("/health", "health"), ("/metrics", "metrics"))


def status_page(status: Mapping[str, Any], health: Mapping[str, Any]) -> str:
    """HTML of what ``GET /`` and ``GET /health`` tell machines."""
    checks = "".join(
        f'<tr><td>{escape(name)}</td><td class="{escape(told["status"])}">{escape(told["status"])}</td>'
        f"<td>{told['seconds'] * 1000:.1f} ms</td></tr>"
        for name, told in health["checks"].items()
    )
    tasks = "".join(
        f"<tr><td><code>{escape(task)}</code></td><td>{escape(said)}</td></tr>"
        for task, said in status.get("tasks", {}).items()
    )
    links = "".join(f'<a href="{path}">{name}</a>' for path, name in _LINKS)
    return page(
        "growthbench",
        f"<h1>growthbench <span class=soft>{escape(status['version'])}</span></h1>"
        f'<p>The service is <b class="{escape(health["status"])}">{escape(health["status"])}</b>.</p><nav>{links}</nav>'
        f"<h2>Checks</h2><table>{checks}</table>" + (f"<h2>Models</h2><table>{tasks}</table>" if tasks else ""),
    )
