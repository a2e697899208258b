"""The programs that draft: one module for all shapes of content (`signatures`).

A draft is nothing yet: `writing` checks it, whoever wrote it.
"""

from typing import Any

import dspy

from growthbench.content import offline_pages, offline_texts  # noqa: F401  whoever drafts can do so offline, too
from growthbench.content.signatures import SIGNATURES, FactText, Order

__all__ = ["SIGNATURES", "Drafter", "FactText", "Order", "parts_of"]


class Drafter(dspy.Module):
    """Drafts one variant of one kind of content.

    Parameters
    ----------
    kind : str
    """

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind
        self.draft = dspy.Predict(SIGNATURES[kind])

    def forward(self, order: Order, facts: list[FactText], rules: list[str], problems: list[str]) -> dspy.Prediction:
        return self.draft(order=order, facts=facts, rules=rules, problems=problems)


def parts_of(kind: str, drafted: Any) -> dict[str, str | list[str]]:
    """The parts that a draft has, in the signature's order; None is left out."""
    names = SIGNATURES[kind].output_fields
    return {name: value for name in names if (value := getattr(drafted, name, None)) is not None}
