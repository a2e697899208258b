"""Prompts in MLflow's registry: a mirror of the store's, where it is decided what speaks (`language.prompts`)."""

from collections.abc import Iterator
from dataclasses import dataclass

from growthbench.base.errors import NotReadyError
from growthbench.base.jsonio import canonical
from growthbench.base.settings import Settings
from growthbench.language.prompts import Prompt, prompts_of, served
from growthbench.runs.tracker import Progress, open_tracker, quiet_mlflow
from growthbench.store.engine import Store

SERVED = "served"
"""Alias of the version that speaks."""
LONGEST = 100_000
"""Characters that MLflow keeps of a prompt; a longer one is named there by its digest."""


@dataclass(frozen=True)
class Mirrored:
    """A prompt in MLflow: ``name`` and ``version`` there."""

    name: str
    version: int
    new: bool


def log_prompt(settings: Settings, prompt: Prompt, progress: Progress | None = None) -> Mirrored:
    """Register a version of a prompt, with what was measured of it as tags; what is there already stays.

    Raises
    ------
    NotReadyError
        The tracking database is away.
    """
    with quiet_mlflow():
        tracker = open_tracker(settings, progress)
        name = tracker.registered_name(f"prompt.{prompt.program}")
        with tracker.pinned():
            for known in _versions(tracker.client, name):
                if known.tags.get("digest") == prompt.digest:
                    return Mirrored(name, int(known.version), False)
            made = tracker.client.register_prompt(
                name, _text(prompt), commit_message=str(prompt.evidence.get("run", prompt.name)), tags=_tags(prompt)
            )
    return Mirrored(name, int(made.version), True)


def mirror_prompts(settings: Settings, store: Store, program: str) -> list[Mirrored]:
    """Every version of a program in MLflow, and the alias `SERVED` on the one that speaks."""
    found = {
        prompt.version: log_prompt(settings, prompt) for prompt in reversed(prompts_of(store, settings.tenant, program))
    }
    now = served(store, settings.tenant, program)
    if now is not None:
        if now.version not in found:
            raise NotReadyError(f"{now.name} speaks, and is not in the store")
        with quiet_mlflow():
            tracker = open_tracker(settings)
            with tracker.pinned():
                tracker.client.set_prompt_alias(found[now.version].name, SERVED, found[now.version].version)
    return list(found.values())


def _versions(client, name: str) -> Iterator:
    """All versions there are: MLflow numbers them from 1, and searching does not show versions of prompts."""
    number = 1
    while (found := client.load_prompt(name, version=number, allow_missing=True, cache_ttl_seconds=0)) is not None:
        yield found
        number += 1


def _text(prompt: Prompt) -> str:
    return (
        prompt.state if len(prompt.state) <= LONGEST else f"sha256 {prompt.digest}: too long for MLflow, in the store"
    )


def _tags(prompt: Prompt) -> dict[str, str]:
    flat = {k: v if isinstance(v, str) else canonical(v) for k, v in prompt.evidence.items()}
    return {
        **{k: v[:4000] for k, v in flat.items()},
        "digest": prompt.digest,
        "program": prompt.program,
        "store_version": str(prompt.version),
    }
