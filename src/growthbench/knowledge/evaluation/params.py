"""Parameters of the stage ``evaluate_rag``: the section ``rag`` of ``params.yaml``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from growthbench.base.errors import SettingsError
from growthbench.knowledge.search import Weights

_PREFIX = "rag."


@dataclass(frozen=True)
class RagParams:
    """One configuration of search and answers.

    Attributes
    ----------
    dense, document, smooth, page : float
        See `search.Weights`.
    threshold : float or None
        Of answering; None: the calibrated one.
    role : str
        Who asks.
    seed : int
        Of the bootstrap.
    """

    dense: float = Weights.dense
    document: float = Weights.document
    smooth: float = Weights.smooth
    page: float = Weights.page
    threshold: float | None = None
    role: str = "analytics"
    seed: int = 0

    @classmethod
    def load(cls, path: Path | None) -> "RagParams":
        """The section ``rag`` of a parameter file; unknown names are refused."""
        import yaml

        return cls.of((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("rag") or {} if path else {})

    @classmethod
    def from_flat(cls, flat: Mapping[str, Any]) -> "RagParams":
        """What `flat` gave."""
        return cls.of({name.removeprefix(_PREFIX): value for name, value in flat.items()})

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "RagParams":
        """Parameters by name.

        Raises
        ------
        SettingsError
            An unknown name.
        """
        known = {f.name for f in fields(cls)}
        if odd := set(told) - known:
            raise SettingsError(f"rag.{min(odd)} is no parameter; known are {', '.join(sorted(known))}", field="rag")
        return cls(**told)

    @property
    def weights(self) -> Weights:
        """For `KnowledgeBase`."""
        return Weights(dense=self.dense, document=self.document, smooth=self.smooth, page=self.page)

    def flat(self) -> dict[str, Any]:
        """As a run records them."""
        return {f"{_PREFIX}{name}": value for name, value in asdict(self).items()}
