"""Word documents: headings, paragraphs, lists and tables in their order."""

import io
import re
import zipfile

from growthbench.base.errors import DataFormatError
from growthbench.knowledge.readers.raw import Raw


def read_docx(content: bytes, name: str) -> Raw:
    """Text as Markdown; title and date from the document's properties."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = docx.Document(io.BytesIO(content))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise DataFormatError(f"{name} cannot be read as a Word document (docx): {exc}") from exc
    lines = [line for block in document.iter_inner_content() for line in _lines(block)]
    told = document.core_properties
    moment = told.modified or told.created
    facts = {"title": told.title, "date": moment and moment.date().isoformat()}
    return Raw(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n"), {k: v for k, v in facts.items() if v})


def _lines(block) -> list[str]:
    if hasattr(block, "rows"):
        return ["", *("| " + " | ".join(" ".join(c.text.split()) for c in row.cells) + " |" for row in block.rows), ""]
    text, style = " ".join(block.text.split()), block.style.name if block.style is not None else ""
    if not text:
        return []
    if style == "Title":
        return [f"# {text}", ""]
    if heading := re.fullmatch(r"Heading (\d)", style):
        return ["", f"{'#' * min(int(heading[1]) + 1, 6)} {text}", ""]
    return [f"- {text}"] if style.startswith("List") else [text, ""]
