"""Prompts in versions: what an optimiser compiled, as plain JSON in the store, and the row that says which one speaks.

The state is what ``dspy.Module.dump_state`` gives: demos, instructions, field names; no code, no pickle, no model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from growthbench.base.clock import now_us
from growthbench.base.errors import ConflictError, DataFormatError, NotFoundError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.store.content_tables import prompt_versions, prompts_served
from growthbench.store.engine import Store

if TYPE_CHECKING:
    import dspy

AS_WRITTEN = 0
"""The version of a program that was never compiled."""


@dataclass(frozen=True)
class Prompt:
    """One version of a program's prompt.

    Attributes
    ----------
    program : str
    version : int
    state : str
        JSON.
    digest : str
    evidence : mapping
        What was measured of it: metrics, intervals, model, cost.
    created_at : int
        UTC µs.
    """

    program: str
    version: int
    state: str
    digest: str
    evidence: Mapping[str, Any]
    created_at: int

    @property
    def name(self) -> str:
        """Short name, such as ``email@2``."""
        return f"{self.program}@{self.version}"


def state_of(program: "dspy.Module") -> str:
    """The state of a program as canonical JSON; a language model that it carries is left out."""
    state = program.dump_state(json_mode=True)
    for predictor in state.values():
        if isinstance(predictor, dict):
            predictor.pop("lm", None)
    return canonical(state)


def load_into(program: "dspy.Module", state: str | None) -> "dspy.Module":
    """Give a program a state; None leaves it as it was written.

    Raises
    ------
    DataFormatError
        The state is of another program.
    """
    if state is None:
        return program
    try:
        told = json.loads(state)
        for name, _ in program.named_parameters():
            told[name].setdefault("lm", None)
        program.load_state(told)
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise DataFormatError(f"the prompt is not one of {type(program).__name__}: {exc!r}; compile it again") from exc
    return program


def keep_prompt(store: Store, tenant: str, program: str, state: str, evidence: Mapping[str, Any]) -> Prompt:
    """Write a new version down; it does not speak until `serve_prompt` says so."""
    columns = prompt_versions.c
    mine = (columns.tenant_id == tenant, columns.program == program)
    with store.writing() as connection:
        newest = connection.execute(select(func.max(columns.version)).where(*mine)).scalar() or AS_WRITTEN
        made = Prompt(program, newest + 1, state, digest(state), dict(evidence), now_us())
        row = {**made.__dict__, "evidence": canonical(made.evidence), "tenant_id": tenant}
        connection.execute(insert(prompt_versions).values(**row))
    return made


def prompt_of(store: Store, tenant: str, program: str, version: int) -> Prompt:
    """One version; NotFoundError if there is none."""
    columns = prompt_versions.c
    mine = (columns.tenant_id == tenant, columns.program == program, columns.version == version)
    with store.reading() as connection:
        row = connection.execute(select(prompt_versions).where(*mine)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no version {version} of the prompt of {program}")
    return _prompt(row)


def prompts_of(store: Store, tenant: str, program: str) -> list[Prompt]:
    """All versions of a program, the newest first."""
    columns = prompt_versions.c
    query = select(prompt_versions).where(columns.tenant_id == tenant, columns.program == program)
    with store.reading() as connection:
        return [_prompt(row) for row in connection.execute(query.order_by(columns.version.desc()))]


def served(store: Store, tenant: str, program: str) -> Prompt | None:
    """The version that speaks; None: the program as it was written."""
    columns = prompts_served.c
    query = select(columns.version).where(columns.tenant_id == tenant, columns.program == program)
    with store.reading() as connection:
        version = connection.execute(query).scalar()
    return prompt_of(store, tenant, program, version) if version else None


def serve_prompt(store: Store, tenant: str, program: str, version: int) -> None:
    """Let a version speak from now on; `AS_WRITTEN` takes every compiled one back."""
    if version != AS_WRITTEN:
        prompt_of(store, tenant, program, version)
    columns = prompts_served.c
    mine = (columns.tenant_id == tenant, columns.program == program)
    with store.writing() as connection:
        before = connection.execute(select(columns.version).where(*mine)).scalar()
        said = {"version": version, "version_before": before or AS_WRITTEN, "changed_at": now_us()}
        if before is None:
            connection.execute(insert(prompts_served).values(tenant_id=tenant, program=program, **said))
        elif before != version:
            connection.execute(update(prompts_served).where(*mine).values(**said))


def roll_back_prompt(store: Store, tenant: str, program: str) -> int:
    """Return to the version before; its number.

    Raises
    ------
    ConflictError
        Nothing was ever served.
    """
    columns = prompts_served.c
    query = select(columns.version_before).where(columns.tenant_id == tenant, columns.program == program)
    with store.reading() as connection:
        before = connection.execute(query).scalar()
    if before is None:
        raise ConflictError(f"no compiled prompt of {program} was ever served, so there is none to go back to")
    serve_prompt(store, tenant, program, before)
    return before


def _prompt(row) -> Prompt:
    return Prompt(row.program, row.version, row.state, row.digest, json.loads(row.evidence), row.created_at)
