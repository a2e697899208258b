"""Markdown with YAML front matter."""

import re

import yaml

from growthbench.base.errors import DataFormatError
from growthbench.knowledge.readers.plain import text_of
from growthbench.knowledge.readers.raw import Raw

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)


def read_markdown(content: bytes, name: str) -> Raw:
    """Text below the front matter; without a ``title`` there, the first heading is the title."""
    text = text_of(content, name)
    front = _FRONT.match(text)
    facts = _facts(front[1], name) if front else {}
    body = text[front.end() :] if front else text
    if (heading := _TITLE.search(body)) and not facts.get("title"):
        facts["title"] = heading[1]
    return Raw(body.strip("\n"), facts)


def _facts(block: str, name: str) -> dict:
    try:
        facts = yaml.safe_load(block)
    except yaml.YAMLError as exc:
        raise DataFormatError(f"{name}: the front matter is no YAML: {' '.join(str(exc).split())}") from exc
    if facts is None:
        return {}
    if not isinstance(facts, dict):
        raise DataFormatError(f"{name}: the front matter must be names with values, found {type(facts).__name__}")
    return facts
