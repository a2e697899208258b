import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError, TooLargeError
from growthbench.serving.bodies import ClientGoneError, MediaTypeError, check_media_type, read_body, unzipped


def read(*chunks, limit=100, gone_after=None):
    """Read a body that comes in these pieces."""
    waiting = [{"type": "http.request", "body": c, "more_body": i + 1 < len(chunks)} for i, c in enumerate(chunks)]
    if gone_after is not None:
        waiting[gone_after:] = [{"type": "http.disconnect"}]

    async def receive():
        return waiting.pop(0)

    return asyncio.run(read_body(receive, limit))


def test_a_body_arrives_whole_up_to_the_limit_and_is_refused_one_byte_over():
    assert read(b"a" * 60, b"b" * 40) == b"a" * 60 + b"b" * 40
    for chunks in ((b"a" * 60, b"b" * 41), (b"a" * 101,), (b"", b"a" * 101)):
        with pytest.raises(TooLargeError, match="more than 100 bytes"):
            read(*chunks)


@pytest.mark.parametrize("gone_after", [0, 1])
def test_a_client_that_goes_away_while_sending_is_told_apart(gone_after):
    with pytest.raises(ClientGoneError):
        read(b"a", b"b", gone_after=gone_after)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_gzip_comes_out_as_it_went_in_also_of_several_members(parts):
    zipped = b"".join(gzip.compress(part) for part in parts)
    assert unzipped(zipped, b"gzip", 1_000) == b"".join(parts)


@given(st.binary(min_size=1, max_size=100))
def test_what_is_not_gzip_is_a_bad_input(raw):
    with pytest.raises(BadInputError):
        unzipped(raw, b"gzip", 1_000)


def test_a_bomb_is_stopped_at_the_limit():
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(TooLargeError):
        unzipped(bomb, b"gzip", 1_000)
    with pytest.raises(TooLargeError):
        unzipped(gzip.compress(bytes(600)) * 2, b"gzip", 1_000)
    assert len(unzipped(gzip.compress(bytes(500)) * 2, b"gzip", 1_000)) == 1_000


def test_a_gzip_body_that_is_cut_off_is_refused():
    with pytest.raises(BadInputError, match="cut off"):
        unzipped(gzip.compress(b"hello world")[:-5], b"gzip", 100)


def test_other_codings_and_forms_are_unsupported():
    assert unzipped(b"as it is", b"identity", 100) == b"as it is"
    with pytest.raises(MediaTypeError, match="'br'"):
        unzipped(b"x", b"br", 100)
    for form in (b"multipart/form-data; boundary=x", b"Multipart/Mixed", b"application/vnd.bentoml+pickle"):
        with pytest.raises(MediaTypeError):
            check_media_type(form)
    for form in (b"application/json", b"application/json; charset=utf-8", b"text/plain", b""):
        check_media_type(form)
