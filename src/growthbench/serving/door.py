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

from growthbench.serving.entrance import LOBBY, Entrance  # noqa: E402
from growthbench.serving.logs import set_up_logs  # noqa: E402
from growthbench.serving.outermost import put_outermost  # noqa: E402
from growthbench.serving.settings import DoorSettings  # noqa: E402

_settings = DoorSettings.read()
_log = logging.getLogger("growthbench.serving")


@bentoml.service(
    name="growthbench",
    workers=_settings.workers,
    http={"host": _settings.host, "port": _settings.port},
    # For what BentoML itself answers; the rest never comes to its timer.
    traffic={"timeout": _settings.timeout_s + 1},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},  # they would name people: BentoML counts by raw path; ours are at /metrics
    # No spans are exported by default, but making them costs 0.2 ms of each request. Set it to false to trace.
    envs=[{"name": "OTEL_SDK_DISABLED", "value": "true"}],
)
class Door:
    """Takes events in and gives scores: see ``/docs``. Its entrance (`Entrance`) answers every route, these two too."""

    def __init__(self) -> None:
        from growthbench.serving.desk.keeper import start_beside
        from growthbench.serving.handlers import Handlers
        from growthbench.serving.opening import open_state
        from growthbench.serving.table import all_routes, all_sockets

        set_up_logs()
        self.state = open_state(_settings)
        self._handlers = Handlers(self.state.scorer(self.state.settings.tenant), _settings.max_rows)
        _log.info("the Door serves %s: %s", self.state.settings.home, self._handlers.status()["tasks"])
        self._was_ready = not self._handlers.refused()
        LOBBY.open(self.state, all_routes(self.state), all_sockets())
        self._keeper = start_beside()
        gc.collect()
        gc.freeze()  # what was loaded stays: collections need not walk it again

    @bentoml.api
    def score(
        self,
        task: str,
        user_ids: list[str] | None = None,
        rows: list[dict[str, Any]] | None = None,
        user_id: str | None = None,
        row: dict[str, Any] | None = None,
        reasons: int | None = None,
    ) -> dict[str, Any]:
        """Score people by id, or rows, with the deployed model of a task. Give one of user_ids, rows, user_id, row."""
        from growthbench.serving.requests import ScoreRequest, read_reasons

        asked = ScoreRequest(user_ids, rows, user_id, row)
        return self._handlers.score(task, asked, read_reasons(reasons))[1]

    @bentoml.api
    def explain(self, prediction_id: str, reasons: int | None = None) -> dict[str, Any]:
        """Why a logged prediction came out as it did; all reasons, or the strongest."""
        from growthbench.serving.requests import read_reasons

        return self._handlers.explain(prediction_id, read_reasons(reasons))

    async def __is_ready__(self) -> bool:
        """Ready once the golden rows of all deployed models matched; a later bad promotion refuses its task only."""
        if not self._was_ready:
            if refused := self._handlers.refused():
                raise HTTPException(503, "; ".join(refused))
            self._was_ready = True
        return True

    @bentoml.on_shutdown
    def close(self) -> None:
        """Finish what runs, write what waits, give everything back."""
        from growthbench.serving.desk.keeper import end

        LOBBY.close()
        end(self._keeper)
        self.state.close()


put_outermost(Door, lambda app: Entrance(app, _settings.max_body_bytes))
