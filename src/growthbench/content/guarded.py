"""A program whose unreadable replies are failures of that example, and nothing else is."""

from typing import Any

import dspy
from dspy.utils.exceptions import AdapterParseError


class Guarded(dspy.Module):
    """An empty prediction where a model's reply could not be read; money and outages still stop everything.

    Parameters
    ----------
    program : dspy.Module
    """

    def __init__(self, program: dspy.Module):
        super().__init__()
        self.program = program

    def forward(self, **inputs: Any) -> dspy.Prediction:
        try:
            return self.program(**inputs)
        except AdapterParseError:
            return dspy.Prediction()
