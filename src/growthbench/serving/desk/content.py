"""Content written by jobs, and the library that keeps it."""

import asyncio
from typing import Any

import msgspec

from growthbench.base.errors import BadInputError, GrowthbenchError
from growthbench.serving.desk import shapes_content as shapes
from growthbench.serving.desk.knowledge import role_of
from growthbench.serving.desk.state import DeskState
from growthbench.serving.http import Call, Reply, read_json_body

_generate = msgspec.json.Decoder(shapes.GenerateRequest)
_edit = msgspec.json.Decoder(shapes.EditRequest)
_decision = msgspec.json.Decoder(shapes.DecisionRequest)
_MARGIN_S = 3.0
_LOOK_S = 0.02


class JobProblemError(GrowthbenchError):
    """What a job failed of, told to the one who waited for it."""

    def __init__(self, problem: dict[str, Any]):
        super().__init__(problem.get("detail", ""))
        self.status, self.title = problem.get("status", 500), problem.get("title", "Internal error")
        self.field = problem.get("field")
        if "retry_after" in problem:
            self.retry_after = problem["retry_after"]


class ContentRoutes:
    """Handlers; plain ones are called in a thread.

    Parameters
    ----------
    state : DeskState
    """

    def __init__(self, state: DeskState):
        self.state = state

    async def generate(self, call: Call) -> Reply:
        """Write a piece: by a job, for which the caller waits or not."""
        asked = read_json_body(call.body, _generate)
        role, later = role_of(call.caller, asked.role), not asked.wait or _said_async(call)
        key = call.header("idempotency-key")
        brief = {name: value for name, value in msgspec.to_builtins(asked.brief).items() if value is not None}
        payload = {"brief": brief, "seed": asked.seed, "role": role,
                   "by": call.caller.caller_id, "request_id": call.request_id if key is None else ""}  # fmt: skip
        await asyncio.to_thread(_checked, payload["brief"])
        job = await asyncio.to_thread(self.state.jobs.submit, "content", call.tenant, payload, key, not later)
        if not later:
            job = await self._waited(call.tenant, job, key)
        if job["state"] == "failed":
            raise JobProblemError(job["problem"])
        if job["state"] == "done" and not later:
            return Reply.of(job["result"], 201)
        return Reply.of(job, 202, [(b"location", f"/api/v1/jobs/{job['job_id']}".encode())])

    async def _waited(self, tenant: str, job: dict[str, Any], key: str | None) -> dict[str, Any]:
        """The job when it has ended, or when it is time to say 202; one that nobody can find again is stopped."""
        jobs, job_id = self.state.jobs, job["job_id"]
        ends = asyncio.get_running_loop().time() + self.state.desk.generate_s - _MARGIN_S
        try:
            while job["ended_at"] is None and asyncio.get_running_loop().time() < ends:
                await asyncio.sleep(_LOOK_S)
                if not jobs.is_under_way(tenant, job_id):
                    job = await asyncio.to_thread(jobs.get, tenant, job_id)
        except asyncio.CancelledError:
            if key is None:
                jobs.cancel_soon(tenant, job_id)
            raise
        return job

    def library(self, call: Call) -> Reply:
        """Newest versions."""
        from growthbench.content.library import list_content

        query = call.query
        try:
            limit = int(query.get("limit") or 50)
        except ValueError as exc:
            raise BadInputError(f"limit must be 1 to 1000, found {query['limit']!r}", field="limit") from exc
        found = list_content(
            self.state.store, call.tenant, kind=query.get("kind"), status=query.get("status"), limit=limit
        )
        return Reply.of({"content": [one.to_dict() for one in found]})

    def content(self, call: Call) -> Reply:
        """One text with its versions and decisions."""
        from growthbench.content.library import decisions_of, versions_of

        content_id, of = call.params["content_id"], (self.state.store, call.tenant, call.params["content_id"])
        told = {"content_id": content_id, "versions": [one.to_dict() for one in versions_of(*of)]}
        return Reply.of(told | {"decisions": decisions_of(*of)})

    def edit_content(self, call: Call) -> Reply:
        """A person's better text as a new version."""
        from growthbench.content.library import edit

        asked = read_json_body(call.body, _edit)
        made = edit(self.state.store, call.tenant, call.params["content_id"], asked.parts, call.caller.caller_id)
        return Reply.of(made.to_dict(), 201)

    def approve(self, call: Call) -> Reply:
        """A version may go out."""
        from growthbench.content.library import approve

        return self._decided(call, approve)

    def refuse(self, call: Call) -> Reply:
        """A version may not go out."""
        from growthbench.content.library import refuse

        return self._decided(call, refuse)

    def _decided(self, call: Call, decide: Any) -> Reply:
        asked = read_json_body(call.body, _decision) if call.body else shapes.DecisionRequest()
        of = (self.state.store, call.tenant, call.params["content_id"])
        return Reply.of(decide(*of, call.caller.caller_id, asked.reason, asked.version).to_dict())


def _checked(brief: dict[str, Any]) -> None:
    """Refuse a brief that cannot be written from before a job is begun."""
    from growthbench.content.brief import Brief

    Brief.of(brief)


def _said_async(call: Call) -> bool:
    return call.query.get("async", "false").lower() in ("", "1", "true")
