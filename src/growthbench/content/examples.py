"""What people made of drafts, as examples to learn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from growthbench.content.brief import Brief
from growthbench.content.library import APPROVED, list_content, versions_of
from growthbench.content.pieces import Parts, texts_of
from growthbench.store.engine import Store

MOST = 1000


@dataclass(frozen=True)
class TrainingExample:
    """A text that a person edited or approved.

    Attributes
    ----------
    key : str
        content_id and version.
    brief : Brief
    angle : str
    seed : int
    accepted : mapping
        The parts as the person left them.
    drafted : mapping or None
        What they were before the edit.
    """

    key: str
    brief: Brief
    angle: str
    seed: int
    accepted: Parts
    drafted: Parts | None

    @property
    def text(self) -> str:
        """The accepted text as one."""
        return "\n\n".join(text for _, text in texts_of(self.accepted))


def training_examples(store: Store, tenant: str, kind: str, most: int = MOST) -> list[TrainingExample]:
    """Newest versions that a person edited (unless refused) or approved, the newest first."""
    found = []
    for asset in list_content(store, tenant, kind=kind, limit=most):
        edited_from = asset.metadata.get("edited_from")
        if asset.status == APPROVED or (edited_from and asset.status != "refused"):
            before = None
            if edited_from:
                older = {one.version: one for one in versions_of(store, tenant, asset.content_id)}
                before = older[edited_from].parts
            found.append(_example(f"{asset.content_id}/{asset.version}", asset.metadata, asset.parts, before))
    return found


def _example(key: str, metadata: Mapping[str, Any], parts: Parts, before: Parts | None) -> TrainingExample:
    brief = Brief.of(metadata["brief"])
    return TrainingExample(key, brief, metadata["angle"], int(metadata.get("seed", 0)), parts, before)
