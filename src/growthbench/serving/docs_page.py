"""The OpenAPI document for people: one page, readable without a network and without scripts."""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from growthbench.serving.pages import page


def docs_page(document: Mapping[str, Any]) -> str:
    """HTML of a document made by `openapi.document`."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(document, method, path, operation))
    told = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    chapters = "".join(
        f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{_prose(told[name])}</p>{"".join(operations)}'
        for name, operations in by_tag.items()
        if operations
    )
    links = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name, found in by_tag.items() if found)
    return page(
        f"{info['title']} {info['version']}",
        f"<h1>{escape(info['title'])} <span class=soft>{escape(info['version'])}</span></h1>"
        f'<p>{_prose(info["description"])} The same for machines: <a href="/openapi.json">/openapi.json</a>.</p>'
        f'<nav>{links}<a href="#live">live channel</a><a href="#sent">webhooks sent</a><a href="#types">types</a></nav>'
        f"{_security(document)}{chapters}{_live(document)}{_sent(document)}{_types(document)}",
    )


def _operation(document: Mapping, method: str, path: str, told: Mapping) -> str:
    parts = [f"<p>{_prose(told['description'])}</p>" if "description" in told else ""]
    if parameters := told.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
            f"<td>{_kind(p['schema'])}</td><td>{_prose(p['description'])}</td></tr>"
            for p in parameters
        )
        parts.append(f"<table>{rows}</table>")
    if body := told.get("requestBody"):
        content = body["content"]["application/json"]
        parts.append(f"<h4>Body: {_kind(content['schema'])}</h4>{_example(content)}")
    answers = []
    for status, answer in told["responses"].items():
        answer = _resolved(document, answer)
        content = next(iter(answer.get("content", {}).values()), {})
        kind = _kind(content["schema"]) if "schema" in content and int(status) < 400 else ""
        answers.append(f"<tr><td><code>{status}</code></td><td>{_prose(answer['description'])} {kind}</td></tr>")
        if int(status) < 400 and "example" in content:
            answers.append(f"<tr><td></td><td>{_example(content)}</td></tr>")
    parts.append(f"<h4>Answers</h4><table>{''.join(answers)}</table>")
    return (
        f'<details id="{escape(told["operationId"])}"><summary><span class="verb {method}">{method.upper()}</span> '
        f"<code>{escape(path)}</code> {escape(told['summary'])}</summary>{''.join(parts)}</details>"
    )


def _security(document: Mapping) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(s.get('name') or 'authorization: ' + s['scheme'])}</code></td>"
        f"<td>{_prose(s['description'])}</td></tr>"
        for s in document["components"]["securitySchemes"].values()
    )
    return f"<details><summary>How to say who you are</summary><table>{rows}</table></details>"


def _live(document: Mapping) -> str:
    told = []
    for path, socket in document["x-websockets"].items():
        sends, hears = (_pre("\n".join(json.dumps(m) for m in socket[n])) for n in ("send", "receive"))
        closes = "".join(f"<tr><td><code>{c}</code></td><td>{escape(t)}</td></tr>" for c, t in socket["closes"].items())
        told.append(
            f"<h3><code>{escape(path)}</code></h3><p>{_prose(socket['description'])} Needs "
            f"<code>{escape(socket['x-permission'])}</code>.</p><h4>You send</h4>{sends}<h4>You hear</h4>{hears}"
            f"<h4>It closes with</h4><table>{closes}</table>"
        )
    return f'<h2 id="live">live channel</h2>{"".join(told)}'


def _sent(document: Mapping) -> str:
    told = [
        f"<p>{_prose(hook['post']['description'])}</p>"
        f"{_example(hook['post']['requestBody']['content']['application/json'])}"
        for hook in document["webhooks"].values()
    ]
    return f'<h2 id="sent">webhooks sent</h2>{"".join(told)}'


def _types(document: Mapping) -> str:
    told = [
        f'<details id="type-{escape(name)}"><summary><code>{escape(name)}</code> '
        f"{escape(schema.get('description', '').splitlines()[0] if schema.get('description') else '')}</summary>"
        f"{_pre(json.dumps(schema, indent=2, ensure_ascii=False))}</details>"
        for name, schema in sorted(document["components"]["schemas"].items())
    ]
    return f'<h2 id="types">types</h2>{"".join(told)}'


def _kind(schema: Mapping) -> str:
    if ref := schema.get("$ref"):
        name = ref.rsplit("/", 1)[-1]
        return f'<a href="#type-{escape(name)}">{escape(name)}</a>'
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(s) for s in several)
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_kind(schema['items'])}"
    kind = schema.get("type", "any")
    return f"<code>{escape(' or '.join(kind) if isinstance(kind, list) else kind)}</code>"


def _example(content: Mapping) -> str:
    shown = [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]
    return "".join(_pre(json.dumps(one, indent=2, ensure_ascii=False)) for one in shown)


def _pre(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def _prose(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _resolved(document: Mapping, told: Mapping) -> Mapping:
    if ref := told.get("$ref"):
        for part in ref.removeprefix("#/").split("/"):
            document = document[part]
        return document
    return told
