"""Requests and replies of DSPy's engine protocol as plain data: to mask, to hash, to keep and to rebuild."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical

_SETTINGS = ("max_tokens", "temperature", "top_p", "top_k", "stop", "response_format", "seed")


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Attributes
    ----------
    text : str
    tool_calls : tuple of dict
        ``id``, ``name``, ``input``.
    finish : str
        stop, length, tool_call ...
    input_tokens, output_tokens, cached_tokens : int or None
        As billed; None if the provider did not say.
    """

    text: str
    tool_calls: tuple[dict[str, Any], ...] = ()
    finish: str = "stop"
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None

    def told(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"tool_calls": list(self.tool_calls)}

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Reply":
        """From plain data."""
        return cls(**{**told, "tool_calls": tuple(told["tool_calls"])})


def request_data(request) -> dict[str, Any]:
    """A request as plain data, without the model's name."""
    settings = {name: getattr(request.config, name) for name in _SETTINGS}
    return {
        "system": _system(request.system),
        "messages": [{"role": m.role, "parts": [_part_data(p) for p in m.parts]} for m in request.messages],
        "tools": [{n: getattr(t, n, None) for n in ("name", "description", "parameters")} for t in request.tools],
        "settings": {n: list(v) if isinstance(v, tuple) else v for n, v in settings.items() if v not in (None, ())},
    }


def request_hash(data: dict[str, Any], turn: str = "") -> str:
    """Digest of a request; ``turn`` tells apart repetitions that are meant to differ."""
    return digest(canonical(data), turn)


def texts_of(request) -> list[str]:
    """Every text of a request."""
    texts: list[str] = []
    with_texts(request, lambda text: (texts.append(text), text)[1])
    return texts


def with_texts(request, change: Callable[[str], str]):
    """The request with every text changed; media is refused, since nobody can mask it."""
    messages = tuple(
        replace(message, parts=tuple(_change_part(part, change) for part in message.parts))
        for message in request.messages
    )
    system = request.system
    if isinstance(system, str):
        system = change(system)
    elif system is not None:
        system = tuple(_change_part(part, change) for part in system)
    return replace(request, messages=messages, system=system)


def prompt_bytes(request) -> int:
    """UTF-8 bytes of all that is sent as words: texts, tools, a reply's schema."""
    data = request_data(request)
    return len(canonical(data).encode())


def reply_of(response, provider: str) -> Reply:
    """What a response says; tokens as the provider bills them.

    Gemini and xAI report hidden reasoning beside the output, the others within it; Anthropic reports tokens read from
    its cache beside the input, the others within it.
    """
    usage = response.usage
    inputs, outputs, cached = usage.input_tokens, usage.output_tokens, usage.cache_read_tokens or 0
    if provider == "anthropic" and inputs is not None:
        inputs += cached + (usage.cache_write_tokens or 0)
    if provider in ("gemini", "xai") and outputs is not None:
        outputs += usage.reasoning_tokens or 0
    calls = tuple({"id": call.id, "name": call.name, "input": call.input} for call in response.tool_calls)
    return Reply(response.message.text or "", calls, response.finish_reason, inputs, outputs, cached)


def response_of(reply: Reply, model: str):
    """A response that DSPy understands."""
    from dspy.lm15 import Message, Response, TextPart, ToolCallPart, Usage

    calls = [ToolCallPart(id=call["id"], name=call["name"], input=call["input"]) for call in reply.tool_calls]
    parts = [TextPart(reply.text), *calls] if reply.text or not calls else calls
    usage = Usage(input_tokens=reply.input_tokens or 0, output_tokens=reply.output_tokens or 0)
    return Response(id=None, model=model, message=Message.assistant(parts), finish_reason=reply.finish, usage=usage)


def changed_reply(reply: Reply, change: Callable[[str], str]) -> Reply:
    """The reply with every text changed."""
    calls = tuple({**call, "input": _change_values(call["input"], change)} for call in reply.tool_calls)
    return replace(reply, text=change(reply.text), tool_calls=calls)


def _system(system) -> str:
    if system is None or isinstance(system, str):
        return system or ""
    return "".join(part.text for part in system)


def _part_data(part) -> Any:
    if part.type in ("text", "thinking"):
        return part.text
    if part.type == "tool_call":
        return {"call": part.name, "id": part.id, "input": part.input}
    if part.type == "tool_result":
        return {"result_of": part.id, "content": [_part_data(inner) for inner in part.content]}
    raise BadInputError(f"a request may hold texts and tool calls, found a part of type {part.type!r}")


def _change_part(part, change: Callable[[str], str]):
    if part.type in ("text", "thinking"):
        return replace(part, text=change(part.text))
    if part.type == "tool_call":
        return replace(part, input=_change_values(part.input, change))
    if part.type == "tool_result":
        return replace(part, content=tuple(_change_part(inner, change) for inner in part.content))
    raise BadInputError(
        f"personal data cannot be masked in a part of type {part.type!r}, so it is not sent: send texts"
    )


def _change_values(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _change_values(inner, change) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_change_values(inner, change) for inner in value]
    return value
