"""The assistant over HTTP: whole replies, streamed ones, and OpenAI's protocol."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import BadInputError, ForbiddenError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.serving.desk import shapes_content as shapes
from growthbench.serving.desk.knowledge import role_of
from growthbench.serving.desk.openai_form import MODEL
from growthbench.serving.desk.state import DeskState
from growthbench.serving.http import Call, Reply, StreamReply, read_json_body

_chat = msgspec.json.Decoder(shapes.ChatRequest)
_feedback = msgspec.json.Decoder(shapes.FeedbackRequest)
_completion = msgspec.json.Decoder(shapes.CompletionRequest)
_encode = msgspec.json.Encoder().encode
_BEFORE = 50  # messages of a conversation that the caller keeps


class ChatRoutes:
    """Handlers; each is called in a thread.

    Parameters
    ----------
    state : DeskState
    """

    def __init__(self, state: DeskState):
        self.state = state

    def chat(self, call: Call) -> Reply:
        """One message, one reply."""
        asked = read_json_body(call.body, _chat)
        options = _options(call, asked)
        with self.state.traced("chat", call) as trace:
            made = self.state.assistant.reply(asked.conversation_id, asked.text, tenant=call.tenant, **options)
            trace.cost = made.cost
        return Reply.of(made.to_dict())

    def chat_stream(self, call: Call) -> Reply:
        """The same in pieces."""
        asked = read_json_body(call.body, _chat)
        pieces = self._pieces(call, asked.conversation_id, asked.text, _options(call, asked))
        return StreamReply(Parts(pieces, _piece), b"text/event-stream", _UNKEPT)

    def feedback(self, call: Call) -> Reply:
        """Judge a reply."""
        asked = read_json_body(call.body, _feedback)
        self.state.assistant.feedback(
            asked.reply_id, tenant=call.tenant, thumbs=asked.thumbs, edit=asked.edit, user_id=asked.user_id
        )
        return Reply(b"", 204)

    def conversation(self, call: Call) -> Reply:
        """Everything that was said."""
        conversation_id, query = call.params["conversation_id"], call.query
        role = role_of(call.caller, query.get("role"))
        turns = self.state.assistant.history(
            conversation_id, tenant=call.tenant, user_id=query.get("user_id"), role=role
        )
        told = [{"author": t.author, "text": t.text, "at": to_iso(t.at), "reply_id": t.reply_id} for t in turns]
        return Reply.of({"conversation_id": conversation_id, "turns": told})

    def models(self, call: Call) -> Reply:
        """OpenAI's list of models: the assistant."""
        return Reply.of({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0,
                                                     "owned_by": "growthbench"}]})  # fmt: skip

    def completions(self, call: Call) -> Reply:
        """OpenAI's chat completions, whole or streamed."""
        asked = read_json_body(call.body, _completion)
        text, before = _said(asked)
        given = asked.growthbench or shapes.Extra()
        options = _options(call, given) | {"before": before}
        if asked.stream:
            pieces = self._pieces(call, given.conversation_id, text, options)
            return StreamReply(Parts(pieces, Chunks().told), b"text/event-stream", _UNKEPT)
        with self.state.traced("chat.completions", call) as trace:
            made = self.state.assistant.reply(given.conversation_id, text, tenant=call.tenant, **options)
            trace.cost = made.cost
        return Reply.of(_completion_of(made))

    def _pieces(self, call: Call, conversation_id: str | None, text: str, options: dict) -> Iterator[Any]:
        """Pieces of a reply, of which the first one is there already: what goes wrong until then has a status."""
        pieces = self.state.assistant.stream(conversation_id, text, tenant=call.tenant, **options)
        with self.state.traced("chat.stream", call):
            first = next(pieces)
        return _chained(first, pieces)


class Parts:
    """Pieces as parts of a streamed answer, each fetched in a thread; closing it ends the work.

    Parameters
    ----------
    pieces : generator
    told : callable
        From a piece to what is sent; from None, when all were sent, to what is sent last.
    """

    def __init__(self, pieces: Iterator[Any], told: Callable[[Any], bytes]):
        self._pieces, self._told, self._ended = pieces, told, False
        self._step: asyncio.Future | None = None
        self.closing: list[Callable[[], None]] = []

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        self._step = asyncio.get_running_loop().run_in_executor(None, next, self._pieces, None)
        piece = await asyncio.shield(self._step)
        self._ended = piece is None
        if not (part := self._told(piece)):
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """Stop, and give back what was held."""
        self._ended = True
        if self._step is not None and not self._step.done():  # a thread is still at the next piece
            self._step.add_done_callback(lambda _: self.drop())
        else:
            self.drop()

    def drop(self) -> None:
        """The same at once, when no thread is at it."""
        self._pieces.close()
        while self.closing:
            self.closing.pop()()


class Chunks:
    """Pieces as OpenAI's chunks."""

    def __init__(self) -> None:
        self._shared = {
            "id": new_id("chatcmpl"),
            "object": "chat.completion.chunk",
            "created": _now_s(),
            "model": MODEL,
        }
        self._is_first = True

    def told(self, piece: Any) -> bytes:
        """What is sent for a piece."""
        if piece is None:
            return b"data: [DONE]\n\n"
        if hasattr(piece, "reply_id"):
            last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]} | _more(piece)
            return _data(self._shared | last)
        role = {"role": "assistant"} if self._is_first else {}
        self._is_first = False
        delta = role | {"content": piece.text}
        return _data(self._shared | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    try:
        yield first
        yield from rest
    finally:
        rest.close()


def _options(call: Call, asked: Any) -> dict[str, Any]:
    if asked.user_id is not None and not call.caller.may("events:write"):
        raise ForbiddenError(f"the role {call.caller.role!r} may not speak for a person: that is an event of theirs")
    return {"user_id": asked.user_id, "role": role_of(call.caller, asked.role)}


def _said(asked: shapes.CompletionRequest) -> tuple[str, list[str]]:
    """The last message of the user, and those before it."""
    if asked.model != MODEL:
        raise NotFoundError(f"there is no model {asked.model!r}, only {MODEL!r}")
    if asked.n not in (None, 1):
        raise BadInputError(f"n must be 1, found {asked.n}: there is one reply", field="n")
    texts = [_text(message.content) for message in asked.messages if message.role == "user"]
    if not texts or asked.messages[-1].role != "user":
        raise BadInputError("the last message must be the user's", field="messages")
    return texts[-1], texts[-1 - _BEFORE : -1]


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, str):
        return content
    parts = content or []
    if odd := [part.get("type") for part in parts if part.get("type") != "text"]:
        raise BadInputError(f"only texts are read, found a part of type {odd[0]!r}", field="messages")
    return "\n".join(str(part.get("text", "")) for part in parts)


def _completion_of(made: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": made.text, "refusal": None}
    told = {
        "id": f"chatcmpl-{made.reply_id}",
        "object": "chat.completion",
        "created": _now_s(),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
    }
    return told | _more(made)


def _more(made: Any) -> dict[str, Any]:
    told = made.to_dict()
    ours = {name: value for name, value in told.items() if name not in ("text", "citations")}
    return {"citations": told["citations"], "growthbench": ours}


def _piece(piece: Any) -> bytes:
    if piece is None:
        return b""
    if hasattr(piece, "reply_id"):
        return b"event: reply\n" + _data(piece.to_dict())
    return b"event: delta\n" + _data({"text": piece.text})


def _data(told: Any) -> bytes:
    return b"data: " + _encode(told) + b"\n\n"


def _now_s() -> int:
    return now_us() // 1_000_000


_UNKEPT = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
