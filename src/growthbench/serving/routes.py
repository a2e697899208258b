"""The Door's HTTP routes: bytes in, JSON or problem+json out; the work runs in a few threads, within a time limit."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from growthbench.serving.problems import MEDIA_TYPE, problem_of
from growthbench.serving.requests import ScoreRequest, read_reasons, read_score_request

if TYPE_CHECKING:
    from growthbench.serving.handlers import Answer, Handlers


class Routes:
    """Runs handlers for requests. Handlers arrive when the service has started (`open`)."""

    def __init__(self, threads: int, timeout_s: float):
        self._threads, self._timeout_s = threads, timeout_s
        self._limiter: anyio.CapacityLimiter | None = None
        self.handlers: Handlers | None = None

    def open(self, handlers: "Handlers") -> None:
        """Begin to answer."""
        self.handlers, self._limiter = handlers, None

    def app(self) -> Starlette:
        """The routes as an ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.get_status, methods=["GET"]),
                Route("/api/v1/scores/{task}", self.post_scores, methods=["POST"]),
                Route("/api/v1/scores/{task}/{user_id:path}", self.get_score, methods=["GET"]),
                Route("/api/v1/models/{task}", self.get_model, methods=["GET"]),
                Route("/api/v1/explain/{prediction_id}", self.get_explanation, methods=["GET"]),
            ]
        )

    async def post_scores(self, request: Request) -> Response:
        """Score people or rows."""
        body = await request.body()
        task, reasons = request.path_params["task"], request.query_params.get("reasons")
        return await self.answer(request, lambda h: h.score(task, read_score_request(body), read_reasons(reasons)))

    async def get_score(self, request: Request) -> Response:
        """Score one person."""
        path, reasons = request.path_params, request.query_params.get("reasons")
        return await self.answer(
            request, lambda h: (200, h.person(path["task"], path["user_id"], read_reasons(reasons)))
        )

    async def get_model(self, request: Request) -> Response:
        """Columns, types and version of a task's model."""
        return await self.answer(request, lambda h: (200, h.model(request.path_params["task"])))

    async def get_explanation(self, request: Request) -> Response:
        """Reasons of a logged prediction."""
        prediction_id, reasons = request.path_params["prediction_id"], request.query_params.get("reasons")
        return await self.answer(request, lambda h: (200, h.explain(prediction_id, read_reasons(reasons))))

    async def get_status(self, request: Request) -> Response:
        """What is served."""
        return await self.answer(request, lambda h: (200, h.status()))

    async def score(self, request: Request, task: str, asked: ScoreRequest, reasons: int | None) -> Response:
        """The native endpoint ``score``."""
        return await self.answer(request, lambda h: h.score(task, asked, read_reasons(reasons)))

    async def explain(self, request: Request, prediction_id: str, reasons: int | None) -> Response:
        """The native endpoint ``explain``."""
        return await self.answer(request, lambda h: (200, h.explain(prediction_id, read_reasons(reasons))))

    async def answer(self, request: Request, work: "Callable[[Handlers], Answer]") -> Response:
        """Do the work in a thread and answer with its outcome, or with the problem it raised."""
        try:
            with anyio.fail_after(self._timeout_s):
                status, content = await self.run(work, self.handlers)
            return Response(msgspec.json.encode(content), status, media_type="application/json")
        except Exception as exc:
            request_id = request.scope.get("state", {}).get("request_id")
            problem = problem_of(exc, request_id)
            return Response(problem.body(request.url.path, request_id), problem.status, media_type=MEDIA_TYPE)

    async def run(self, work: Callable, *args: Any) -> Any:
        """Run blocking work in one of the Door's threads; given up, not waited for, when the request is."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(work, *args, limiter=self._limiter, abandon_on_cancel=True)
