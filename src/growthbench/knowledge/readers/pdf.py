"""PDF: the text layer, page by page."""

import io
import re

from growthbench.base.errors import DataFormatError
from growthbench.knowledge.readers.raw import Raw

_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")


def read_pdf(content: bytes, name: str) -> Raw:
    """Text of all pages, words broken at line ends joined; ``pages`` holds the character where each page begins."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        pages = [_HYPHEN.sub("", page.extract_text()).strip() for page in reader.pages]
        facts = _facts(reader)
    except (PyPdfError, ValueError, KeyError, TypeError, OSError) as exc:  # pypdf lets its parser's own errors through
        raise DataFormatError(f"{name} cannot be read as PDF: {type(exc).__name__}: {exc}") from exc
    if not any(pages):
        raise DataFormatError(f"{name} holds no text (scanned pages?): run it through OCR first")
    starts = [0]
    for page in pages[:-1]:
        starts.append(starts[-1] + len(page) + 2)
    return Raw("\n\n".join(pages), facts | {"pages": starts})


def _facts(reader) -> dict:
    told = reader.metadata
    if told is None:
        return {}
    moment = told.modification_date or told.creation_date
    found = {"title": told.title and told.title.strip(), "date": moment and moment.date().isoformat()}
    return {key: value for key, value in found.items() if value}
