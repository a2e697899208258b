import msgspec
import pytest
from jsonschema import Draft202012Validator

from growthbench.serving.docs_page import docs_page
from growthbench.serving.http import Route
from growthbench.serving.openapi import BENTOML, document
from growthbench.serving.table import all_routes


class Inner(msgspec.Struct):
    """Of one."""

    n: int


class Other(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Of another.

    More about it.
    """

    user_id: str
    parts: list[Inner | dict[str, int]] = []
    why: Inner | msgspec.UnsetType | None = msgspec.UNSET


def made(**more):
    return document([Route("POST", "/api/v1/x/{name}/{rest:path}", None, "Do it", "scores:read", **more)])


@pytest.fixture(scope="module")
def whole():
    """The document of the Door's own routes."""
    import tempfile
    from pathlib import Path

    from growthbench.base.settings import Settings
    from growthbench.serving.opening import open_state
    from growthbench.serving.settings import DoorSettings

    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROWTHBENCH_HOME", home)
        state = open_state(DoorSettings(), Settings.read(Path(home)))
        routes = all_routes(state)
        yield routes, document(routes)
        state.close()


def test_every_route_is_in_the_document_once_and_nothing_else(whole):
    routes, told = whole
    documented = {(m.upper(), p) for p, methods in told["paths"].items() for m in methods}
    served = {(r.method, r.path.replace(":path}", "}")) for r in (*routes, *BENTOML)}
    assert documented == served
    ids = [o["operationId"] for methods in told["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere(whole):
    _, told = whole

    def references(part):
        if isinstance(part, dict):
            if isinstance(ref := part.get("$ref"), str):
                yield ref
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    found = set(references(told))
    assert len(found) > 20
    for ref in found:
        place = told
        for name in ref.removeprefix("#/").split("/"):
            place = place[name]


def test_every_example_fits_its_schema(whole):
    _, told = whole
    shared = {"components": told["components"]}
    seen = 0
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            contents = list(operation.get("requestBody", {}).get("content", {}).values())
            contents += [c for r in operation["responses"].values() for c in r.get("content", {}).values()]
            for content in contents:
                if "example" in content and "schema" in content:
                    seen += 1
                    wrong = list(Draft202012Validator(content["schema"] | shared).iter_errors(content["example"]))
                    assert not wrong, (method, path, wrong[0].message)
    assert seen > 40


def test_every_kind_of_alert_is_shown_as_a_webhook_receives_it(whole):
    _, told = whole
    content = told["webhooks"]["message"]["post"]["requestBody"]["content"]["application/json"]
    shown = [example["value"] for example in content["examples"].values()]
    for one in shown:
        assert not list(Draft202012Validator(content["schema"]).iter_errors(one))
    assert [one["type"] for one in shown] == ["alert.score_threshold", "alert.chat_escalation"]
    assert [one["type"] for one in shown] == [f"alert.{one['data']['kind']}" for one in shown]


def test_every_body_has_an_example_every_error_is_a_problem_and_every_operation_says_who_may(whole):
    _, told = whole
    for path, methods in told["paths"].items():
        for operation in methods.values():
            body = operation.get("requestBody")
            assert body is None or "example" in body["content"]["application/json"], path
            assert ("x-permission" in operation) == bool(operation["security"]), path
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    answer = told["components"]["responses"][status] if "$ref" in answer else answer
                    form = "application/json" if operation["tags"] == ["openai"] else "application/problem+json"
                    assert list(answer["content"]) == [form], (path, status)


def test_what_a_route_may_answer_follows_from_what_it_is():
    (methods,) = (p for path, p in made()["paths"].items() if path.startswith("/api"))
    assert set(methods["post"]["responses"]) == {
        "200", "400", "401", "403", "404", "413", "415", "429", "500", "503", "504",
    }  # fmt: skip
    free = document([Route("GET", "/x", None, "Free", None, None, statuses={304: "Not changed.", 410: "Gone."})])
    assert set(free["paths"]["/x"]["get"]["responses"]) == {
        "200", "304", "400", "410", "413", "415", "500", "503", "504",
    }  # fmt: skip
    new = document([Route("POST", "/x", None, "Make", "keys:write", statuses={201: "Made."}, answer=Inner)])
    responses = new["paths"]["/x"]["post"]["responses"]
    assert "200" not in responses
    assert responses["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Inner"}


def test_paths_and_queries_become_parameters():
    told = made(query={"limit": (int, "how many"), "after": (str, "behind")})
    (operation,) = told["paths"]["/api/v1/x/{name}/{rest}"].values()
    assert [(p["name"], p["in"], p["required"], p["schema"]["type"]) for p in operation["parameters"]] == [
        ("name", "path", True, "string"), ("rest", "path", True, "string"),
        ("limit", "query", False, "integer"), ("after", "query", False, "string"),
    ]  # fmt: skip


def test_structs_become_components_with_their_fields():
    told = made(body=Other, answer=Inner | list[Other])
    schema = told["components"]["schemas"]["Other"]
    assert schema == {
        "title": "Other",
        "type": "object",
        "description": "Of another.",
        "properties": {
            "userId": {"type": "string"},
            "parts": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/Inner"},
                        {"type": "object", "additionalProperties": {"type": "integer"}},
                    ]
                },
            },
            "why": {"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
        },
        "required": ["userId"],
        "additionalProperties": False,
    }
    (operation,) = told["paths"]["/api/v1/x/{name}/{rest}"].values()
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/Inner"},
            {"type": "array", "items": {"$ref": "#/components/schemas/Other"}},
        ]
    }


def test_the_page_shows_every_operation_and_loads_nothing(whole):
    import re

    _, told = whole
    text = docs_page(told)
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
        assert f"<code>{path.replace('&', '&amp;')}</code>" in text
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", text)
    assert set(re.findall(r'href="([^"#][^"]*)"', text)) == {"/openapi.json"}
    for name in re.findall(r'href="#([^"]+)"', text):
        assert f'id="{name}"' in text


def test_texts_of_routes_are_escaped_in_the_page():
    told = document([Route("GET", "/x", None, "<b>&", None, None, answer_example={"a": "</code><script>"})])
    text = docs_page(told)
    assert "<b>&<" not in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
