"""Reasons for a model that can only be asked: what each word adds, as it joins the others.

Shapley's value (1953) averages what a word adds over all orders of the words; here over two, from the front and from
the back. Along each order the steps add up to the whole, so the reasons do as well, exactly.
"""

import re
from collections.abc import Callable
from typing import Any

_MOST = 24  # pieces: a long text is explained by runs of neighbouring words
_SPACES = re.compile(r"\S+")


def word_reasons(
    column: str, text: str, full: float, ask: Callable[[list[str]], list[float]]
) -> tuple[float, list[dict[str, Any]]]:
    """Bias and reasons of one text.

    Parameters
    ----------
    column : str
    text : str
    full : float
        What the model says of the whole text.
    ask : callable
        What the model says of other texts, in the same unit.

    Returns
    -------
    float
        What it says of the empty text.
    list of dict
        ``column value contribution``, the largest first; with the bias they sum to ``full``.
    """
    pieces = _pieces(text)
    n = len(pieces)
    fronts = [" ".join(pieces[:i]) for i in range(1, n)]
    backs = [" ".join(pieces[i:]) for i in range(1, n)]
    said = ask(["", *fronts, *backs])
    bias = said[0]
    if n == 0:
        return full, []
    forward = [bias, *said[1:n], full]
    backward = [full, *said[n:], bias]  # without the first i pieces
    gains = [0.5 * ((forward[i + 1] - forward[i]) + (backward[i] - backward[i + 1])) for i in range(n)]
    booked: dict[str, float] = {}
    for piece, gain in zip(pieces, gains):
        booked[piece] = booked.get(piece, 0.0) + gain
    reasons = [{"column": column, "value": piece, "contribution": gain} for piece, gain in booked.items()]
    return bias, sorted(reasons, key=lambda r: -abs(r["contribution"]))


def _pieces(text: str) -> list[str]:
    words = _SPACES.findall(text)
    size = -(-len(words) // _MOST) or 1
    return [" ".join(words[i : i + size]) for i in range(0, len(words), size)]
