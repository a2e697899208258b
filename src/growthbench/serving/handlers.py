"""What the Door does, without HTTP: one handler for the mounted routes, the native endpoints and any faster lane."""

from collections.abc import Sequence
from typing import Any

from growthbench.base.errors import BadInputError, GrowthbenchError, NotFoundError
from growthbench.base.version import __version__
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.scorer import Scorer
from growthbench.serving.problems import problem_of
from growthbench.serving.requests import ScoreRequest

Answer = tuple[int, dict[str, Any]]
"""HTTP status and JSON object."""


class Handlers:
    """Answers of the Door.

    Parameters
    ----------
    scorer : Scorer
    max_rows : int
        Most rows or people in a request.
    """

    def __init__(self, scorer: Scorer, max_rows: int):
        self.scorer, self.max_rows = scorer, max_rows

    def score(self, task: str, request: ScoreRequest, reasons: int = 0) -> Answer:
        """Score people or rows, one or many.

        Many people are answered in the order asked; one that nothing is known of has an ``error`` in their place and
        makes the status 207, or 404 if nobody is known.
        """
        given = request.given()
        if given == "user_id":
            return 200, self.person(task, request.user_id, reasons)
        if given == "row":
            return 200, self.scorer.score_rows(task, [request.row], reasons)[0].answer()
        asked = request.rows if given == "rows" else request.user_ids
        self._check_size(asked, given)
        if given == "rows":
            return 200, self._list(task, self.scorer.score_rows(task, asked, reasons))
        found = self.scorer.score_people(task, asked, reasons=reasons)
        unknown = sum(isinstance(f, NotFoundError) for f in found)
        if unknown == len(found):
            raise NotFoundError(f"nothing is known of {asked[0]!r}" + (" nor of the others" if unknown > 1 else ""))
        return (207 if unknown else 200), self._list(task, found, asked)

    def person(self, task: str, user_id: str, reasons: int = 0) -> dict[str, Any]:
        """Score one person."""
        return self.scorer.score_person(task, user_id, reasons=reasons).answer()

    def model(self, task: str) -> dict[str, Any]:
        """What the model of a task is and reads."""
        return self.scorer.describe(task)

    def explain(self, prediction_id: str, reasons: int = 0) -> dict[str, Any]:
        """Why a prediction came out as it did; all reasons, or the strongest."""
        return self.scorer.explain(prediction_id, reasons or None).answer()

    def status(self) -> dict[str, Any]:
        """What is served: by task, the model's short name or why it is refused."""
        refused = {task: str(exc) for task, exc in self.scorer.champions.load_all().items() if exc is not None}
        rows = self.scorer.champions.rows()
        tasks = {task: refused.get(task) or rows[task].model_version for task in rows}
        tasks |= {task: f"no champion for {task}" for task in sorted(self.scorer.champions.tasks - set(rows))}
        return {"service": "growthbench", "version": __version__, "tasks": tasks, "openapi": "/docs.json"}

    def refused(self) -> list[str]:
        """Why deployed models are not served; empty if all are."""
        return [str(exc) for exc in self.scorer.champions.load_all().values() if exc is not None]

    def _check_size(self, asked: Sequence, field: str) -> None:
        if not 0 < len(asked) <= self.max_rows:
            raise BadInputError(f"{field} must have 1 to {self.max_rows} entries, found {len(asked)}", field=field)

    def _list(
        self, task: str, found: Sequence[Prediction | GrowthbenchError], people: Sequence[str] | None = None
    ) -> dict[str, Any]:
        scores = [
            {"user_id": people[i], "error": problem_of(f).content()} if isinstance(f, GrowthbenchError) else f.answer()
            for i, f in enumerate(found)
        ]
        return {"task": task, "scores": scores, "refused": sum("error" in s for s in scores)}
