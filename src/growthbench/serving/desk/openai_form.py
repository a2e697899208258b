"""OpenAI's form of errors, for the two routes that speak its protocol. Light: the Door uses it, too."""

from typing import Any

import msgspec

from growthbench.serving.http import Reply

MODEL = "growthbench-assistant"

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
          404: "invalid_request_error", 413: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class ErrorTold(msgspec.Struct):
    """OpenAI's error: ``message type param code``."""

    error: dict[str, Any]


def openai_error(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem as OpenAI tells it."""
    status = problem.get("status", 500)
    told = {"message": problem.get("detail") or problem.get("title", ""), "param": problem.get("field")}
    told |= {"type": _TYPES.get(status, "server_error"), "code": _CODES.get(status)}
    return {"error": told | {"request_id": problem.get("request_id")}}


def refusal(reply: Reply) -> Reply:
    """A refusal in OpenAI's form; status and headers stay."""
    return Reply.of(openai_error(msgspec.json.decode(reply.body)), reply.status, reply.headers)
