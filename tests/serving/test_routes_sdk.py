"""The route of the JavaScript client: found in a repository and in an installed package, cached, zipped, open."""

import asyncio
import gzip

import pytest

from growthbench.base.errors import NotFoundError
from growthbench.serving.http import Call
from growthbench.serving.routes_sdk import Script, find_script, get_script, routes
from growthbench.store.callers import NOBODY


def call(**headers):
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Call("GET", "/sdk/growthbench.js", {}, b"", given, b"", NOBODY, "r", "", 0)


def ask(script, **headers):
    return asyncio.run(get_script(call(**headers), script))


def test_the_first_place_that_has_the_file_counts(tmp_path):
    here, there = tmp_path / "repository.js", tmp_path / "installed.js"
    assert find_script((here, there)) is None
    there.write_bytes(b"installed")
    assert find_script((here, there)).plain == b"installed"
    here.write_bytes(b"repository")
    assert find_script((here, there)).plain == b"repository"


def test_the_repository_has_it():
    assert b"marketingSDK" in find_script().plain


def test_who_has_it_is_told_so_and_a_changed_file_has_another_tag():
    script = Script(b"let a = 1;")
    first = dict(ask(script).headers)
    for told in (first[b"etag"].decode(), script.tag, f'"other", {script.tag}', "*"):
        again = ask(script, if_none_match=told)
        assert (again.status, again.body, dict(again.headers)[b"etag"]) == (304, b"", first[b"etag"])
    assert ask(Script(b"let a = 2;"), if_none_match=script.tag).status == 200


def test_it_is_zipped_for_who_can_read_that():
    script = Script(b"let a = 1;" * 100)
    plain, zipped = ask(script), ask(script, accept_encoding="br, gzip")
    assert plain.body == gzip.decompress(zipped.body) == script.plain
    assert dict(zipped.headers)[b"content-encoding"] == b"gzip"
    assert b"content-encoding" not in dict(plain.headers)
    assert dict(plain.headers)[b"vary"] == b"accept-encoding"


def test_an_installation_without_it_says_so():
    with pytest.raises(NotFoundError, match=r"growthbench\.js"):
        ask(None)


def test_the_route_is_open_and_for_every_page():
    (route,) = routes(None)
    assert (route.method, route.path, route.permission, route.quota) == ("GET", "/sdk/growthbench.js", None, None)
    assert route.cors
