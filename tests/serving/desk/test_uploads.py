import base64
import csv
import io

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError
from growthbench.serving.desk.shapes import DocumentRequest
from growthbench.serving.desk.uploads import document_of, parts_of, read_upload
from growthbench.serving.http import Call
from growthbench.store.callers import NOBODY


def form(**told):
    """A form as httpx sends it: media type and body."""
    request = httpx.Request("POST", "http://x", **told)
    return request.headers["content-type"], request.read()


@given(
    st.binary(max_size=300),
    st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\\\x00'), min_size=1, max_size=20),
)
def test_what_a_client_puts_into_a_form_comes_out_of_it(content, name):
    found = parts_of(
        *form(files={"file": (name, content, "application/octet-stream")}, data={"title": "T\r\n", "a": ""})
    )
    assert found["file"][1] == content
    assert found["title"] == (None, b"T\r\n")
    assert found["a"] == (None, b"")


@pytest.mark.parametrize("body", [b"", b"--x--", b"--x\r\n\r\nabc", b"--x\r\nno name\r\n\r\nabc\r\n--x--"])
def test_a_form_that_is_none_is_refused(body):
    with pytest.raises(BadInputError):
        parts_of("multipart/form-data; boundary=x", body)
    with pytest.raises(BadInputError):
        parts_of("multipart/form-data", body)


def test_a_file_keeps_what_it_says_of_itself_and_the_form_wins():
    text = b"---\ntitle: Limits\ncollection: product_docs\nroles: [lead]\n---\n# Limits\n\nOne hundred calls a minute."
    media_type, body = form(files={"file": ("api-limits.md", text)}, data={"roles": "lead, content"})
    call = Call("POST", "/", {}, b"", [(b"content-type", media_type.encode())], body, NOBODY, "r", "", 0)
    found = document_of(read_upload(call))
    assert (found.title, found.collection, found.roles) == ("Limits", "product_docs", ("content", "lead"))
    assert found.document_id == "api-limits.md"
    assert "One hundred calls" in found.text


def test_every_format_is_read():
    rows = io.StringIO()
    csv.writer(rows).writerows([["plan", "price"], ["Pro", "199"]])
    for fmt, text in (("markdown", "# Prices\n\nPro: 199"), ("html", "<h1>Prices</h1><p>Pro: 199</p>"),
                      ("txt", "Prices\n\nPro: 199"), ("csv", rows.getvalue())):  # fmt: skip
        found = document_of(DocumentRequest(text=text, format=fmt, title="Prices", collection="product_docs"))
        assert "199" in found.text, fmt
        assert found.title == "Prices"


@pytest.mark.parametrize(("asked", "field"), [
    ({}, "text"), ({"text": "a", "content": "YQ=="}, "text"), ({"content": "?"}, "content"),
    ({"text": "a", "format": "exe"}, "format"), ({"text": "a", "format": "pdf"}, "text"),
    ({"text": "some words", "collection": "gossip"}, "collection"),
    ({"content": base64.b64encode(b"no pdf").decode(), "format": "pdf", "collection": "product_docs"}, None),
])  # fmt: skip
def test_what_is_no_document_is_refused_by_the_field(asked, field):
    with pytest.raises(BadInputError) as told:
        document_of(DocumentRequest(**asked))
    assert told.value.field == field
