"""One OpenAPI 3.1 document, made from the table of routes that serves them."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from growthbench.base.version import __version__
from growthbench.serving.http import Reply, Route
from growthbench.serving.openapi_schemas import Json, Schemas
from growthbench.serving.openapi_words import (
    ABOUT,
    ALWAYS,
    HEADERS,
    KNOWN,
    LIMITED,
    NAMED,
    PATH_WORDS,
    SECURITY,
    SIGNED,
    TAGS,
    WEBHOOKS,
    WEBSOCKETS,
)
from growthbench.serving.problems import MEDIA_TYPE, Problem
from growthbench.store.callers import PERMISSIONS, ROLES


class ProblemBody(msgspec.Struct, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    field: str | None = None
    retry_after: int | None = None
    request_id: str | None = None


def _bentoml(path: str, summary: str, media_type: str, answer: Any, **statuses: str) -> Route:
    named = {int(status.removeprefix("s")): text for status, text in statuses.items()}
    return Route("GET", path, None, summary, None, None, answer=answer, statuses=named, media_type=media_type)


BENTOML = (
    _bentoml("/livez", "Whether the process lives", "text/plain", str),
    _bentoml("/healthz", "The same", "text/plain", str),
    _bentoml("/readyz", "Whether all deployed models are loaded and reproduce their golden rows", "text/plain", str),
    _bentoml("/docs.json", "BentoML's own description of its two endpoints", "application/json", dict),
    _bentoml("/schema.json", "BentoML's schema of the service", "application/json", dict),
)
"""What BentoML itself answers."""


def document(routes: Sequence[Route]) -> Json:
    """The document of these routes and BentoML's own."""
    taken = {(r.method, r.path) for r in routes}
    routes = [*routes, *(r for r in BENTOML if (r.method, r.path) not in taken)]
    schemas = Schemas()
    schemas.of(ProblemBody)
    paths: dict[str, Json] = {}
    for route in routes:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    used = {route.tag for route in routes}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "growthbench",
            "version": __version__,
            "summary": "Events in, scores out.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "this service"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
        + [{"name": name} for name in sorted(used - set(TAGS))],
        "paths": paths,
        "webhooks": WEBHOOKS,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": SECURITY,
            "responses": {str(status): _problem(status, text) for status, text in _ALL_ERRORS.items()},
            "headers": HEADERS,
        },
        "x-websockets": WEBSOCKETS,
    }


def _operation(route: Route, schemas: Schemas) -> Json:
    told: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
    }
    if route.permission is not None:
        holders = ", ".join(name for name, held in ROLES.items() if route.permission in held)
        told["description"] = (
            f"Needs the permission `{route.permission}` ({PERMISSIONS[route.permission]}), which {holders} have."
            + (" The key may also be `writeKey` in the body." if route.key_in_body else "")
        )
        told["security"] = [{name: []} for name in ("bearer", "basic", "apiKey")] + [SIGNED]
        told["x-permission"] = route.permission
    else:
        told["security"] = []
    if route.body is not None:
        content: Json = {"schema": schemas.of(route.body)}
        if route.example is not None:
            content["example"] = route.example
        told["requestBody"] = {"required": True, "content": {"application/json": content} | _form(route)}
    if not told["parameters"]:
        del told["parameters"]
    return told


def _form(route: Route) -> Json:
    if not route.forms:
        return {}
    file: Json = {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
    return {"multipart/form-data": {"schema": file | {"additionalProperties": {"type": "string"}}}}


def _operation_id(route: Route) -> str:
    return "_".join([route.method.lower(), *re.findall(r"[A-Za-z0-9]+", route.path.replace(":path", ""))]) or "root"


def _parameters(route: Route, schemas: Schemas) -> list[Json]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
         "description": PATH_WORDS.get(name, name)}
        for name in re.findall(r"\{(\w+)(?::path)?\}", route.path)
    ]  # fmt: skip
    return found + [
        {"name": name, "in": "query", "required": False, "schema": schemas.of(kind), "description": text}
        for name, (kind, text) in route.query.items()
    ]


def _responses(route: Route, schemas: Schemas) -> Json:
    good = {status: text for status, text in route.statuses.items() if status < 400}
    if not good.keys() & {200, 201, 204}:
        good = {200: "Done."} | good
    told = {str(status): _answer(route, status, text, schemas) for status, text in sorted(good.items())}
    errors = ALWAYS | (KNOWN if route.permission else {}) | (LIMITED if route.quota else {})
    errors |= (NAMED if "{" in route.path else {}) | {s: t for s, t in route.statuses.items() if s >= 400}
    for status, text in sorted(errors.items()):
        if route.refusal is not None:
            told[str(status)] = _refused(route, status, text)
            continue
        shared = _ALL_ERRORS.get(status) == text
        told[str(status)] = {"$ref": f"#/components/responses/{status}"} if shared else _problem(status, text)
    return told


def _answer(route: Route, status: int, text: str, schemas: Schemas) -> Json:
    told: Json = {"description": text, "headers": {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}}
    if route.quota is not None:
        told["headers"] |= {n: {"$ref": f"#/components/headers/{n}"} for n in ("ratelimit", "ratelimit-policy")}
    if status in (204, 304):
        return told
    content: Json = {} if route.answer is None else {"schema": schemas.of(route.answer)}
    if route.answer_example is not None and status < 300:
        content["example"] = route.answer_example
    told["content"] = {route.media_type.partition(";")[0]: content}
    return told


def _refused(route: Route, status: int, text: str) -> Json:
    """An error of a route that speaks somebody else's protocol."""
    told = _problem(status, text)
    (content,) = told["content"].values()
    example = msgspec.json.decode(route.refusal(Reply.of(content["example"], status)).body)
    return told | {"content": {"application/json": {"schema": {"type": "object"}, "example": example}}}


def _problem(status: int, text: str) -> Json:
    title = HTTPStatus(status).phrase.capitalize()
    example = Problem(status, title, text.replace("`", "")).content("/api/v1/…", "req_0198f3c1a2b3c4d5e6f70811")
    told: Json = {
        "description": text,
        "headers": {"x-request-id": {"$ref": "#/components/headers/x-request-id"}},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}, "example": example}},
    }
    for name, statuses in (("retry-after", (429, 503)), ("www-authenticate", (401,))):
        if status in statuses:
            told["headers"][name] = {"$ref": f"#/components/headers/{name}"}
    return told


_ALL_ERRORS = ALWAYS | KNOWN | LIMITED | NAMED
