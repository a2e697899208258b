"""HTML: its text as Markdown, without navigation, scripts and what is hidden."""

import re
from typing import TYPE_CHECKING

from growthbench.knowledge.readers.raw import Raw

if TYPE_CHECKING:
    from bs4 import Tag

_LEFT_OUT = ["script", "style", "noscript", "template", "nav", "footer", "svg", "form", "button", "head", "iframe"]
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "aside",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "table",
        "blockquote",
        "figure",
        "figcaption",
        "details",
        "summary",
    ]
)


def read_html(content: bytes, name: str) -> Raw:
    """Headings, paragraphs, items and rows; ``<title>`` and named ``<meta>`` tags are what it says about itself."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(content, "html.parser")
    facts = {tag["name"]: tag["content"] for tag in soup.find_all("meta") if tag.get("name") and tag.get("content")}
    if soup.title and soup.title.get_text(strip=True):
        facts["title"] = soup.title.get_text(" ", strip=True)
    for tag in [*soup.find_all(_LEFT_OUT), *soup.select("[hidden], [aria-hidden=true]")]:
        tag.extract()
    lines: list[str] = []
    _walk(soup.body or soup, lines)
    return Raw(_tidy(lines), {key: value for key, value in facts.items() if key in _TOLD})


_TOLD = frozenset(
    ["title", "date", "collection", "subject", "roles", "id", "supersedes", "valid_until", "author", "description"]
)


def _walk(tag: "Tag", lines: list[str]) -> None:
    """Append one line for each block; inline text collects until the next block."""
    from bs4 import Comment, NavigableString, Tag

    words: list[str] = []

    def flush() -> None:
        if text := " ".join("".join(words).split()):
            lines.extend(("", text))
        words.clear()

    for child in tag.children:
        if isinstance(child, Comment):
            continue
        if isinstance(child, NavigableString):
            words.append(str(child))
        elif isinstance(child, Tag) and (block := _block(child)) is not None:
            flush()
            lines.extend(block)
        elif isinstance(child, Tag) and (child.name in _BLOCKS or child.find(_BLOCKS | _LINES)):
            flush()
            _walk(child, lines)
        elif isinstance(child, Tag):
            words.append("\n" if child.name == "br" else child.get_text())
    flush()


_LINES = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "li", "tr", "pre"])


def _block(tag: "Tag") -> list[str] | None:
    """Lines of a heading, an item, a row or preformatted text; None for anything else."""
    if re.fullmatch("h[1-6]", tag.name):
        return ["", f"{'#' * int(tag.name[1])} {_flat(tag)}", ""]
    if tag.name == "pre":
        return ["", "```", tag.get_text().strip("\n"), "```", ""]
    if tag.name == "tr":
        return ["| " + " | ".join(_flat(cell) for cell in tag.find_all(["td", "th"])) + " |"]
    if tag.name == "li":
        inner: list[str] = []
        _walk(tag, inner)
        first, *rest = [line for line in inner if line] or [""]
        return [f"- {first}", *(line if line.startswith("- ") else f"  {line}" for line in rest)]
    return None


def _flat(tag: "Tag") -> str:
    return " ".join(tag.get_text(" ").split())


def _tidy(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
