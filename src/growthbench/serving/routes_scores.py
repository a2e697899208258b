"""Scores, explanations and models over HTTP."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec

from growthbench.base.errors import BadInputError, GrowthbenchError, NotFoundError
from growthbench.events.checks import checked_text
from growthbench.learning.row_reader import values
from growthbench.predictions.answers import Answer
from growthbench.predictions.champions import Served
from growthbench.predictions.deployments import challenge, rollback
from growthbench.predictions.quick import Ask
from growthbench.serving.handlers import Handlers
from growthbench.serving.http import Call, Reply, Route, read_json_body
from growthbench.serving.lane import PeopleLane, RowLane
from growthbench.serving.problems import problem_of
from growthbench.serving.requests import (
    ChallengerRequest,
    NativeExplainRequest,
    NativeScoreRequest,
    ScoreRequest,
    TasksRequest,
    read_max_age,
    read_reasons,
    read_score_request,
    score_decoder,
)
from growthbench.serving.state import State

_encode = msgspec.json.Encoder().encode
_native_score = msgspec.json.Decoder(NativeScoreRequest)
_native_explain = msgspec.json.Decoder(NativeExplainRequest)
_tasks = msgspec.json.Decoder(TasksRequest)
_challenger = msgspec.json.Decoder(ChallengerRequest)


class ScoreList(msgspec.Struct):
    """Answers to many rows or people, in the order asked; ``refused`` of them are an ``error``."""

    task: str
    scores: list[Answer | dict[str, Any]]
    refused: int


class TaskScores(msgspec.Struct):
    """Several scores of one person, from one snapshot."""

    user_id: str
    scores: list[Answer | dict[str, Any]]
    refused: int


class ScoreRoutes:
    """Handlers of the routes: what needs no reasons takes the fast lane, the rest a thread."""

    def __init__(self, state: State):
        self.state = state
        self.rows, self.people = RowLane(state), PeopleLane(state)
        self._pool = ThreadPoolExecutor(state.door.threads, "growthbench-scores")
        state.forgetters.append(self.people.forget)
        state.closing += [self.rows.close, self.people.close, self._pool.shutdown]

    async def score(self, call: Call) -> Reply:
        """Score people or rows."""
        query = call.query if call._raw_query else {}
        return await self._score(call, call.params["task"], read_reasons(query.get("reasons")), query.get("max_age_s"))

    async def native_score(self, call: Call) -> Reply:
        """BentoML's endpoint: the task and the reasons are in the body."""
        given = read_json_body(call.body, _native_score)
        asked = ScoreRequest(given.user_ids, given.rows, given.user_id, given.row)
        return await self._slowly(call, given.task, asked, read_reasons(given.reasons))

    async def person(self, call: Call) -> Reply:
        """Score one person."""
        query = call.query if call._raw_query else {}
        reasons, task, name = read_reasons(query.get("reasons")), call.params["task"], call.params["user_id"]
        if reasons:
            return await self._slowly(call, task, ScoreRequest(user_id=name), reasons)
        return Reply(_encode(await self._one(call, Ask(task, name), read_max_age(query.get("max_age_s")))))

    async def tasks(self, call: Call) -> Reply:
        """Several scores of one person."""
        asked = read_json_body(call.body, _tasks)
        checked_text(asked.user_id, "user_id")
        if not 0 < len(asked.tasks) <= 20 or len(set(asked.tasks)) != len(asked.tasks):
            raise BadInputError(f"tasks must be 1 to 20 different names, found {len(asked.tasks)}", field="tasks")
        await self._fresh(call)
        found = await self.people.score(call.tenant, [Ask(task, asked.user_id) for task in asked.tasks])
        wrong = [f for f in found if isinstance(f, Exception)]
        if len(wrong) == len(found):
            raise wrong[0]
        scores = [f if isinstance(f, Answer) else {"task": t, "error": _told(f)} for t, f in zip(asked.tasks, found)]
        return Reply(_encode(TaskScores(asked.user_id, scores, len(wrong))), 207 if wrong else 200)

    def explain(self, call: Call) -> Reply:
        """Reasons of a logged prediction."""
        reasons = read_reasons(call.query.get("reasons"))
        return Reply.of(self._handlers(call).explain(call.params["prediction_id"], reasons))

    def native_explain(self, call: Call) -> Reply:
        """BentoML's endpoint: the id is in the body."""
        given = read_json_body(call.body, _native_explain)
        return Reply.of(self._handlers(call).explain(given.prediction_id, read_reasons(given.reasons)))

    def model(self, call: Call) -> Reply:
        """What the model of a task is and reads."""
        return Reply.of(self._handlers(call).model(call.params["task"]))

    def rollback(self, call: Call) -> Reply:
        """Serve what was served before."""
        task = self._known(call)
        made = rollback(self.state.store, self.state.settings.home, call.tenant, task, {"by": call.caller.caller_id})
        return Reply.of(_deployment(made))

    def challenger(self, call: Call) -> Reply:
        """Put a model beside the champion, or take it away."""
        asked, task = read_json_body(call.body, _challenger), self._known(call)
        by = {"by": call.caller.caller_id}
        made = challenge(
            self.state.store, self.state.settings.home, call.tenant, task, asked.digest, asked.share, evidence=by
        )
        return Reply.of(_deployment(made))

    async def _score(self, call: Call, task: str, reasons: int, max_age: str | None) -> Reply:
        served = None if reasons else await self._served(call, task)
        if served is None or served.reader is None:
            return await self._slowly(call, task, read_score_request(call.body), reasons)
        try:
            asked = score_decoder(served.reader).decode(call.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return await self._slowly(call, task, read_score_request(call.body), 0)
        if asked.row is not None and asked.rows is None and asked.user_id is None and asked.user_ids is None:
            return Reply(_encode((await self.rows.score(served, (values(asked.row),)))[0]))
        given = ScoreRequest.given(asked)
        if given == "user_id":
            return Reply(_encode(await self._one(call, Ask(task, asked.user_id), read_max_age(max_age))))
        many = getattr(asked, given)
        _check_size(many, self.state.door.max_rows, given)
        if given == "rows":
            return Reply(_encode(ScoreList(task, await self.rows.score(served, list(map(values, many))), 0)))
        return await self._many(call, task, many)

    async def _one(self, call: Call, ask: Ask, max_age_s: float | None) -> Answer:
        checked_text(ask.name, "user_id")
        await self._fresh(call)
        if max_age_s is not None and (known := self.people.quick(call.tenant).recent(ask, max_age_s)) is not None:
            return known
        (found,) = await self.people.score(call.tenant, [ask])
        if isinstance(found, Exception):
            raise found
        return found

    async def _many(self, call: Call, task: str, names: Sequence[str]) -> Reply:
        for place, name in enumerate(names):
            checked_text(name, f"user_ids[{place}]")
        found = await self.people.score(call.tenant, [Ask(task, name) for name in names])
        wrong = [f for f in found if isinstance(f, Exception)]
        if len(wrong) == len(found) or any(not isinstance(f, NotFoundError) for f in wrong):
            several = len(wrong) > 1 and isinstance(wrong[0], NotFoundError)
            raise NotFoundError(f"{wrong[0]} nor of the others") if several else wrong[0]
        scores = [f if isinstance(f, Answer) else {"user_id": n, "error": _told(f)} for n, f in zip(names, found)]
        return Reply(_encode(ScoreList(task, scores, len(wrong))), 207 if wrong else 200)

    async def _slowly(self, call: Call, task: str, asked: ScoreRequest, reasons: int) -> Reply:
        """In a thread: with reasons, of models that read text, or to say what is wrong with a row."""
        handlers = self._handlers(call)
        status, content = await self._threaded(partial(handlers.score, task, asked, reasons))
        return Reply.of(content, status)

    async def _served(self, call: Call, task: str) -> Served:
        await self._fresh(call)
        return self.state.scorer(call.tenant).champions.get(task)

    async def _fresh(self, call: Call) -> None:
        """Have the deployments read again, off the loop, if they are older than they may be."""
        champions = self.state.scorer(call.tenant).champions
        if champions.is_stale:
            await self._threaded(champions.load_all)

    async def _threaded(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _handlers(self, call: Call) -> Handlers:
        return Handlers(self.state.scorer(call.tenant), self.state.door.max_rows)

    def _known(self, call: Call) -> str:
        task = call.params["task"]
        self.state.scorer(call.tenant).champions.get(task)
        return task


def _check_size(asked: Sequence, most: int, field: str) -> None:
    if not 0 < len(asked) <= most:
        raise BadInputError(f"{field} must have 1 to {most} entries, found {len(asked)}", field=field)


def _told(error: GrowthbenchError) -> dict[str, Any]:
    return problem_of(error).content()


def _deployment(made) -> dict[str, Any]:
    return {
        "task": made.task,
        "champion": made.champion,
        "model_version": made.model_version,
        "run_id": made.champion_run,
        "challenger": made.challenger,
        "share": made.share,
        "version": made.version,
    }


_REASONS = {"reasons": (int, "how many reasons to add, 0 to 100; none by default")}
_AGE = {"max_age_s": (float, "take an earlier answer if it is not older than this, seconds")}
_ANSWER = {
    "user_id": "u-17", "task": "churn", "score": 0.231, "class": "no", "confidence": 0.769, "needs_person": False,
    "band": "low", "model_version": "churn@3f9a2c41d07b", "run_id": None,
    "prediction_id": "pred_0198f3c1a2b3c4d5e6f70811", "feature_hash": "9b1d…",
}  # fmt: skip


def routes(state: State) -> list[Route]:
    """Routes of scores and models."""
    made = ScoreRoutes(state)
    read = {"permission": "scores:read", "tag": "scores"}
    write = {"permission": "models:write", "tag": "models", "answer": dict}
    unknown = "no such person, task or prediction"
    several = {"statuses": {207: "some of them are an error", 404: unknown}}
    return [
        Route("POST", "/api/v1/scores", made.tasks, "Several scores of one person", body=TasksRequest,
              answer=TaskScores, example={"user_id": "u-17", "tasks": ["churn", "lead_scoring"]},
              answer_example={"user_id": "u-17", "scores": [_ANSWER], "refused": 0}, **several, **read),
        Route("POST", "/api/v1/scores/{task}", made.score, "Score people or rows", body=ScoreRequest,
              answer=Answer | ScoreList, query=_REASONS | _AGE, example={"user_id": "u-17"}, answer_example=_ANSWER,
              **several, **read),
        Route("GET", "/api/v1/scores/{task}/{user_id:path}", made.person, "Score one person", answer=Answer,
              query=_REASONS | _AGE, answer_example=_ANSWER, **read),
        Route("GET", "/api/v1/explain/{prediction_id}", made.explain, "Why a prediction came out as it did",
              answer=dict, query=_REASONS, statuses={410: "the prediction was erased with its person"}, **read),
        Route("GET", "/api/v1/models/{task}", made.model, "What the model of a task is and reads", "models:read",
              answer=dict, tag="models"),
        Route("POST", "/api/v1/models/{task}/rollback", made.rollback, "Serve what was served before", **write),
        Route("POST", "/api/v1/models/{task}/challenger", made.challenger, "Put a model beside the champion",
              body=ChallengerRequest, example={"digest": None, "share": 0.0}, **write),
        Route("POST", "/score", made.native_score, "BentoML's endpoint: score people or rows", body=NativeScoreRequest,
              answer=Answer | ScoreList, example={"task": "churn", "user_id": "u-17"}, answer_example=_ANSWER,
              **several, **read),
        Route("POST", "/explain", made.native_explain, "BentoML's endpoint: why a prediction came out as it did",
              body=NativeExplainRequest, answer=dict, example={"prediction_id": "pred_0198f3c1a2b3c4d5e6f70811"},
              statuses={404: unknown, 410: "the prediction was erased with its person"}, **read),
    ]  # fmt: skip
