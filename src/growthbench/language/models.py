"""The dated table of language models: what they cost, what they hold, who does which kind of work."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from growthbench.base.errors import UnknownNameError
from growthbench.ledger.micros import micros

KINDS = ("content_generation", "market_analysis", "tool_use", "bulk_processing", "reasoning")
PRIORITIES = ("quality", "cost", "speed")
OFFLINE = "offline"


@dataclass(frozen=True)
class ModelCard:
    """One model.

    Attributes
    ----------
    name : str
        ``provider/model``.
    input_price, cached_price, output_price : int
        Micro-USD per 1,000,000 tokens.
    context : int
        Tokens of a prompt up to which the prices hold.
    output_limit : int
        Most tokens of a reply.
    thinks : bool
        Hidden reasoning counts as output.
    temperature : bool
        Whether the model takes a temperature.
    retired : str or None
        Why it is not routed to.
    """

    name: str
    input_price: int
    output_price: int
    cached_price: int
    context: int = 128_000
    output_limit: int = 16_384
    thinks: bool = False
    temperature: bool = True
    retired: str | None = None

    @property
    def provider(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class EmbeddingCard:
    """One model that makes vectors of texts.

    Attributes
    ----------
    name : str
        ``provider/model``.
    input_price : int
        Micro-USD per 1,000,000 tokens.
    dims : int or None
        Of its vectors, unless fewer are asked for; None: its first answer tells.
    context : int
        Tokens of one text that it reads.
    """

    name: str
    input_price: int
    dims: int | None = None
    context: int = 8_191

    @property
    def provider(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]

    @property
    def model(self) -> str:
        """The part after it, as the provider calls the model."""
        return self.name.partition("/")[2]


@dataclass(frozen=True)
class ReplySettings:
    """What a reply may be like (LLM-06)."""

    temperature: float
    max_tokens: int


@dataclass(frozen=True)
class ModelTable:
    """The table.

    Attributes
    ----------
    about : dict
        ``date``, ``source``, ``advice`` (false), ``currency``.
    models : dict of str to ModelCard
    embeddings : dict of str to EmbeddingCard
    cells : dict
        ``(kind, priority)`` to a model's name: 15.
    fallback : tuple of str
    replies : dict of str to ReplySettings
        By kind.
    """

    about: Mapping[str, Any]
    models: Mapping[str, ModelCard]
    embeddings: Mapping[str, EmbeddingCard]
    cells: Mapping[tuple[str, str], str]
    fallback: tuple[str, ...]
    replies: Mapping[str, ReplySettings]

    def card(self, name: str) -> ModelCard:
        """One model by name; UnknownNameError otherwise."""
        if name not in self.models:
            raise UnknownNameError("model", name, self.models, field="model")
        return self.models[name]

    def cell(self, kind: str, priority: str) -> str:
        """The model for a kind of work and what matters most about it."""
        if kind not in KINDS:
            raise UnknownNameError("kind of work", kind, KINDS, field="kind")
        if priority not in PRIORITIES:
            raise UnknownNameError("priority", priority, PRIORITIES, field="priority")
        return self.cells[kind, priority]


def _card(name: str, row: Mapping[str, Any]) -> ModelCard:
    prices = {f"{what}_price": micros(row.get(what, row["input"])) for what in ("input", "cached", "output")}
    rest = {k: v for k, v in row.items() if k not in ("input", "cached", "output")}
    return ModelCard(name, **prices, **rest)


def _embedding_card(name: str, row: Mapping[str, Any]) -> EmbeddingCard:
    return EmbeddingCard(name, micros(row["input"]), row["dims"], row["context"])


@cache
def model_table() -> ModelTable:
    """The table that ships with the package."""
    told = tomllib.loads(resources.files("growthbench.language").joinpath("models.toml").read_text(encoding="utf-8"))
    return ModelTable(
        about=told["about"],
        models={name: _card(name, row) for name, row in told["models"].items()},
        embeddings={name: _embedding_card(name, row) for name, row in told["embeddings"].items()},
        cells={(kind, priority): told["router"][kind][priority] for kind in KINDS for priority in PRIORITIES},
        fallback=tuple(told["fallback"]["order"]),
        replies={kind: ReplySettings(**told["replies"][kind]) for kind in KINDS},
    )
