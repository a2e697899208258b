"""The Door: the light, hot service. Imports nothing heavy; a test reads ``sys.modules``.

This module is imported twice by ``bentoml serve``, by the supervisor and then by the worker. What only the worker needs
is imported when it starts.
"""

import gc
import logging
from typing import Any

from growthbench.base.settings import be_quiet

be_quiet()

import bentoml  # noqa: E402  its telemetry is decided by the environment, above
from starlette.exceptions import HTTPException  # noqa: E402
from starlette.responses import Response  # noqa: E402

from growthbench.serving.guard import Guard  # noqa: E402
from growthbench.serving.quiet_log import QuietRefusals  # noqa: E402
from growthbench.serving.requests import ScoreRequest  # noqa: E402
from growthbench.serving.routes import Routes  # noqa: E402
from growthbench.serving.settings import DoorSettings  # noqa: E402

_settings = DoorSettings.read()
_routes = Routes(_settings.threads, _settings.timeout_s)


@bentoml.service(
    name="growthbench",
    workers=_settings.workers,
    http={"host": _settings.host, "port": _settings.port},
    # BentoML's timer is a second longer than ours, so that a late answer is our problem+json; see Settings.timeout_s.
    traffic={"timeout": _settings.timeout_s + 1},
    logging={"access": {"enabled": False}},
    metrics={"namespace": "growthbench"},
    # No spans are exported by default, but making them costs 0.2 ms of each request. Set it to false to trace.
    envs=[{"name": "OTEL_SDK_DISABLED", "value": "true"}],
)
@bentoml.asgi_app(_routes.app(), path="/")
class Door:
    """Scores people and rows with the deployed models of this home, and explains what it said."""

    def __init__(self) -> None:
        from growthbench.serving.opening import open_handlers

        self.store, self.handlers = open_handlers(_settings)
        self._was_ready = not self.handlers.refused()
        logging.getLogger("bentoml._internal.server.http_app").addFilter(QuietRefusals())
        _routes.open(self.handlers)
        gc.collect()
        gc.freeze()  # what was loaded stays: collections need not walk it again

    @bentoml.api
    async def score(
        self,
        ctx: bentoml.Context,
        task: str,
        user_ids: list[str] | None = None,
        rows: list[dict[str, Any]] | None = None,
        user_id: str | None = None,
        row: dict[str, Any] | None = None,
        reasons: int | None = None,
    ) -> dict[str, Any]:
        """Score people by id, or rows, with the deployed model of a task. Give one of user_ids, rows, user_id, row."""
        asked = ScoreRequest(user_ids, rows, user_id, row)
        return _passed(ctx, await _routes.score(ctx.request, task, asked, reasons))

    @bentoml.api
    async def explain(self, ctx: bentoml.Context, prediction_id: str, reasons: int | None = None) -> dict[str, Any]:
        """Why a logged prediction came out as it did; all reasons, or the strongest."""
        return _passed(ctx, await _routes.explain(ctx.request, prediction_id, reasons))

    async def __is_ready__(self) -> bool:
        """Ready once the golden rows of all deployed models matched; a later bad promotion refuses its task only."""
        if not self._was_ready:
            if refused := await _routes.run(self.handlers.refused):
                raise HTTPException(503, "; ".join(refused))
            self._was_ready = True
        return True

    @bentoml.on_shutdown
    def close(self) -> None:
        """Give the store's connections back."""
        self.store.close()


def _passed(ctx: bentoml.Context, response: Response) -> Response:
    ctx.response.status_code = response.status_code  # BentoML passes a response on, but with the status kept here
    return response


Door.add_asgi_middleware(Guard, max_body_bytes=_settings.max_body_bytes)
