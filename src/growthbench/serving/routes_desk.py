"""Documents, answers, content and chat over HTTP: let in here, answered by the Desk."""

import msgspec

from growthbench.serving.desk.client import DeskAwayError
from growthbench.serving.desk.link import DeskLink
from growthbench.serving.desk.openai_form import openai_error
from growthbench.serving.desk.table import desk_routes
from growthbench.serving.http import Handler, Route
from growthbench.serving.problems import problem_of
from growthbench.serving.state import State


def routes(state: State) -> list[Route]:
    """Routes of the Desk, each handled by passing it on."""
    link = DeskLink(state)

    def handler_of(name: str, work: str) -> Handler:
        return link.handler(work, _BROKEN.get(name))

    return desk_routes(handler_of, link.deadline_s)


def _chat_broken(exc: DeskAwayError) -> bytes:
    return b"event: error\ndata: " + msgspec.json.encode(problem_of(exc).content()) + b"\n\n"


def _completion_broken(exc: DeskAwayError) -> bytes:
    return b"data: " + msgspec.json.encode(openai_error(problem_of(exc).content())) + b"\n\n"


_BROKEN = {"chat_stream": _chat_broken, "completions": _completion_broken}
"""What a stream says last when the Desk ends before the answer does."""
