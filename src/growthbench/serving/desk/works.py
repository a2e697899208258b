"""What jobs do, by kind. Every step may run twice when the process is killed in it: each leaves the same behind."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from growthbench.knowledge.documents import Document
from growthbench.serving.desk.state import DeskState
from growthbench.store.content_tables import content_library

if TYPE_CHECKING:
    from growthbench.content.library import Asset
    from growthbench.serving.desk.flow import Job, Step, Work


class Works:
    """The kinds of work.

    Parameters
    ----------
    state : DeskState
    """

    def __init__(self, state: DeskState):
        self.state = state

    def by_kind(self) -> "dict[str, Work]":
        """Work by kind."""
        return {"document": self.document, "content": self.content}

    def document(self, job: "Job", step: "Step") -> dict[str, Any]:
        """Bring a document in; bringing it in again changes nothing."""
        document = Document(**job.payload | {"roles": tuple(job.payload["roles"])})
        return step("ingest", self.state.ingest, job.tenant, document)

    def content(self, job: "Job", step: "Step") -> dict[str, Any]:
        """Write a piece and keep it: one step, because only the library knows whether it was kept."""
        return step("write", self._written, job)

    def _written(self, job: "Job") -> dict[str, Any]:
        from growthbench.content.library import keep
        from growthbench.content.writing import write

        state, tenant, asked = self.state, job.tenant, job.payload
        if kept := self._kept(tenant, job.job_id):
            return self._told(kept, {}, job.job_id)
        with state.traces.request("content.generate", state.store, tenant, asked["request_id"] or job.job_id) as trace:
            piece = write(
                asked["brief"], base=state.base, tenant=tenant, settings=state.language, role=asked["role"],
                agent="writer", run=trace.run, seed=asked["seed"], shelf=state.shelf(tenant),
            )  # fmt: skip
            trace.cost = piece.cost
        piece = replace(piece, metadata={**piece.metadata, "job_id": job.job_id})
        return self._told(keep(state.store, tenant, piece, asked["by"]), piece.to_dict(), job.job_id)

    def _kept(self, tenant: str, job_id: str) -> "list[Asset]":
        """What the library has of a job: all of its variants, or none."""
        from growthbench.content.library import get

        c = content_library.c
        of_job = (c.tenant_id == tenant, c.version == 1, c.metadata.contains(f'"job_id":"{job_id}"', autoescape=True))
        with self.state.store.reading() as connection:
            found = list(connection.execute(select(c.content_id).where(*of_job).order_by(c.content_id)).scalars())
        return [get(self.state.store, tenant, content_id, 1) for content_id in found]

    @staticmethod
    def _told(assets: "list[Asset]", piece: dict[str, Any], job_id: str) -> dict[str, Any]:
        status = "needs_review" if any(one.status == "needs_review" for one in assets) else "draft"
        told = {"status": status, "content": [one.to_dict() for one in assets], "piece": piece, "job_id": job_id}
        return msgspec.to_builtins(told)
