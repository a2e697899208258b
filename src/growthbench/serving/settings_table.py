"""``docs/settings.md``: every environment variable, from the docstrings of the settings themselves.

``python -m growthbench.serving.settings_table > docs/settings.md`` writes it anew; a test compares.
"""

import inspect
import re
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

from growthbench.base.settings import QUIET, Settings
from growthbench.language.embedding_settings import EmbeddingSettings
from growthbench.language.settings import LanguageSettings
from growthbench.serving.desk.settings import DeskSettings
from growthbench.serving.settings import DoorSettings

_NAMED = re.compile(r"``(GROWTHBENCH_[A-Z_]+)``")
_CHAPTERS = (
    (Settings, "Where things are"),
    (DoorSettings, "The service"),
    (DeskSettings, "The Desk: documents, content, chat"),
    (LanguageSettings, "Language models"),
    (EmbeddingSettings, "Vectors of texts"),
)

_DEFAULTS = {
    "GROWTHBENCH_HOME": "nearest parent that has `.growthbench/` or our `dvc.yaml`, else `./.growthbench`",
    "GROWTHBENCH_DATABASE_URL": "`sqlite:///HOME/growthbench.db`",
    "GROWTHBENCH_TRACKING_URL": "`sqlite:///HOME/mlflow.db`",
    "GROWTHBENCH_DATA_HOME": "`HOME/datasets`",
    "GROWTHBENCH_DESK_URL": "`unix:HOME/desk.sock`",
    "GROWTHBENCH_LM_API_KEY": "none",
    "GROWTHBENCH_EMBEDDINGS": "`local`",
    "GROWTHBENCH_EMBEDDINGS_TIMEOUT_S": "`3`",
    "GROWTHBENCH_LM_TIMEOUT_S": "`15` where somebody waits, `90` in pipelines",
}
"""Where the default depends on something."""

OTHERS = {
    "GROWTHBENCH_KEYRING": "Keys that seal what is personal, `ID:BASE64,ID:BASE64`, the newest first; by default the "
    "file `keyring.json` (mode 600) in the home, made at first use. Losing it loses everything sealed with it.",
    "GROWTHBENCH_WEBHOOKS_PRIVATE": "`1` lets webhooks go to this machine and private networks, and over http. For "
    "development only.",
    "GROWTHBENCH_LOG_FILE": "File that logs are written to as well, rotated at 50 MB, five old ones kept; several "
    "workers may share it.",
    "GROWTHBENCH_DESK_BESIDE": "`1`: the Door keeps a Desk beside it. Set by `growthbench serve` and in bentos.",
    "GROWTHBENCH_LOG_FORMAT": "`text` for lines that people read; by default JSON. Masked alike.",
}
"""Read where they are used, not through a class of settings."""

ELSEWHERE = {
    "PROMETHEUS_MULTIPROC_DIR": "Folder in which the workers of one server count together; made when it starts.",
    "OTEL_SDK_DISABLED": "`false` turns BentoML's tracing on, at about 0.2 ms a request; default `true`.",
}
"""Of others, that matter here."""


class Variable(NamedTuple):
    """One row of the table."""

    name: str
    default: str
    text: str


def variables(settings: type) -> list[Variable]:
    """Variables that a dataclass of settings reads, by its docstring's ``Attributes``."""
    defaults = {f.name: f.default for f in fields(settings)}
    found = []
    for names, text in _attributes(settings):
        given = _NAMED.findall(text)
        plain = re.sub(r"\s*\(``GROWTHBENCH_[^)]*\)", "", text)
        for name, variable in zip(names, given):
            found.append(Variable(variable, _DEFAULTS.get(variable) or _told(defaults[name]), _markdown(plain)))
    return found


def _attributes(settings: type) -> list[tuple[list[str], str]]:
    """Names and text of each entry below ``Attributes`` of a numpydoc docstring."""
    text = inspect.cleandoc(settings.__doc__).partition("Attributes\n----------\n")[2]
    entries: list[tuple[list[str], str]] = []
    for line in text.splitlines():
        if line[:1].strip():
            entries.append(([n.strip() for n in line.partition(":")[0].split(",")], ""))
        elif line.strip() and entries:
            names, said = entries.pop()
            entries.append((names, f"{said} {line.strip()}".strip()))
    return entries


def _told(default: Any) -> str:
    if default is MISSING:
        return ""
    if default is None:
        return "none"
    return f"`{','.join(default) if isinstance(default, tuple) else default}`"


def _markdown(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


def table() -> str:
    """The whole page."""
    parts = [
        "# Settings\n",
        "All settings are environment variables, read once at the start. This page is made from the code: "
        "`python -m growthbench.serving.settings_table > docs/settings.md`.\n",
    ]
    for settings, title in _CHAPTERS:
        parts += [f"## {title}\n", "| variable | default | |", "| --- | --- | --- |"]
        parts += [f"| `{v.name}` | {v.default} | {v.text} |" for v in variables(settings)]
        parts.append("")
    for title, told in (("Keys, webhooks, logs", OTHERS), ("Of others", ELSEWHERE)):
        parts += [f"## {title}\n", "| variable | |", "| --- | --- |"]
        parts += [f"| `{name}` | {text} |" for name, text in told.items()]
        parts.append("")
    quiet = ", ".join(f"`{name}={value}`" for name, value in sorted(QUIET.items()))
    parts += ["## Quiet\n", f"Telemetry of every package is off unless the environment says otherwise: {quiet}.\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    print(table(), end="")
