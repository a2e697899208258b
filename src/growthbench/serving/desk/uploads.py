"""A document as it is sent, JSON or a form, made into one that can be ingested."""

import base64
import binascii
import json
import re
import tempfile
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import HTTP
from pathlib import Path

import msgspec

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.knowledge.documents import Document
from growthbench.serving.desk.shapes import DocumentRequest
from growthbench.serving.http import Call, read_json_body

FORMATS = {"markdown": ".md", "html": ".html", "txt": ".txt", "csv": ".csv", "pdf": ".pdf", "docx": ".docx"}
"""Formats and their suffixes."""

MOST_PARTS = 32
_BINARY = ("pdf", "docx")
_NOTE = ".meta.yaml"  # what `knowledge.readers` takes beside a file: it wins over what the file says of itself
_request = msgspec.json.Decoder(DocumentRequest)
_SUFFIXES = {suffix: name for name, suffix in FORMATS.items()} | {".markdown": "markdown", ".htm": "html"}


def read_upload(call: Call) -> DocumentRequest:
    """What a request brings.

    Raises
    ------
    BadInputError
        It is no such request; ``field`` names the place.
    """
    media_type = call.header("content-type") or ""
    if media_type.lower().startswith("multipart/form-data"):
        return _of_form(parts_of(media_type, call.body))
    return read_json_body(call.body, _request)


def document_of(asked: DocumentRequest) -> Document:
    """The document, read by the reader of its format.

    Raises
    ------
    BadInputError
        It cannot be read, or does not say to which collection it belongs.
    """
    content, suffix = _content(asked), FORMATS[asked.format]
    name = asked.document_id or _name_of(asked, content, suffix)
    facts = dict(asked.metadata)
    facts |= {n: v for n in ("title", "date", "source", "collection", "roles") if (v := getattr(asked, n)) is not None}
    from growthbench.knowledge.readers import read_file

    with tempfile.TemporaryDirectory(prefix="growthbench-upload-") as folder:
        path = Path(folder) / f"{_stem(asked) or 'document'}{suffix}"  # a title, if the document has none of its own
        path.write_bytes(content)
        path.with_name(path.name + _NOTE).write_text(json.dumps(facts), encoding="utf-8")
        return read_file(path, document_id=name)


def _content(asked: DocumentRequest) -> bytes:
    if asked.format not in FORMATS:
        raise BadInputError(f"format must be one of {', '.join(FORMATS)}; found {asked.format!r}", field="format")
    if (asked.text is None) == (asked.content is None):
        raise BadInputError("give the document as text, or as content in base64: one of them", field="text")
    if asked.text is not None:
        if asked.format in _BINARY:
            raise BadInputError(f"{asked.format} is not text: give it as content in base64", field="text")
        return asked.text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadInputError(f"content is not base64: {exc}", field="content") from exc


def _name_of(asked: DocumentRequest, content: bytes, suffix: str) -> str:
    """An id from title or source, the same for the same; from the content if there is neither."""
    return f"{asked.collection + '/' if asked.collection else ''}{_stem(asked) or digest(content.hex())[:16]}{suffix}"


def _stem(asked: DocumentRequest) -> str:
    named = asked.title or Path(asked.source or "").stem
    return re.sub(r"[^\w]+", "-", named.lower()).strip("-")[:80]


def _of_form(parts: dict[str, tuple[str | None, bytes]]) -> DocumentRequest:
    if "file" not in parts:
        raise BadInputError("the form has no part named file", field="file")
    filename, content = parts.pop("file")
    suffix = Path(filename or "").suffix.lower()
    told: dict = {n: v.decode("utf-8", "replace") for n, (_, v) in parts.items() if n not in ("roles", "metadata")}
    for name in ("roles", "metadata"):
        if name in parts:
            told[name] = read_json_body(parts[name][1], _ANY) if name == "metadata" else _listed(parts[name][1])
    told.setdefault("format", _SUFFIXES.get(suffix, suffix.lstrip(".") or "markdown"))
    told.setdefault("source", Path(filename).name if filename else None)
    told["content"] = base64.b64encode(content).decode()
    if "wait" in told:
        told["wait"] = told["wait"] != "false"
    try:
        return msgspec.convert({n: v for n, v in told.items() if v is not None}, DocumentRequest)
    except msgspec.ValidationError as exc:
        raise BadInputError(f"the form: {exc}") from exc


_ANY = msgspec.json.Decoder(dict)


def _listed(raw: bytes) -> list[str]:
    return [word for part in raw.decode("utf-8", "replace").split(",") if (word := part.strip())]


def parts_of(media_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """Parts of a ``multipart/form-data`` body: filename (if it is a file) and content by name.

    Raises
    ------
    BadInputError
        It cannot be read, has too many parts, or two of one name.
    """
    head = EmailMessage(policy=HTTP)
    head["content-type"] = media_type
    boundary = head.get_param("boundary")
    if not boundary or len(boundary) > 200:
        raise BadInputError("the form says no boundary", field="content-type")
    pieces = (b"\r\n" + body).split(b"\r\n--" + str(boundary).encode())
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise BadInputError("the form is cut off, or its boundary is another one")
    if len(pieces) - 2 > MOST_PARTS:
        raise BadInputError(f"the form has more than {MOST_PARTS} parts")
    found: dict[str, tuple[str | None, bytes]] = {}
    for piece in pieces[1:-1]:
        raw, separator, content = piece.partition(b"\r\n\r\n")
        told = BytesHeaderParser(policy=HTTP).parsebytes(raw.lstrip(b"\r\n") + b"\r\n\r\n")
        name = told.get_param("name", header="content-disposition")
        if not separator or not name or name in found:
            raise BadInputError("every part of the form needs a name of its own", field=str(name) if name else None)
        filename = told.get_param("filename", header="content-disposition")
        found[str(name)] = (str(filename) if filename else None, content)
    return found
