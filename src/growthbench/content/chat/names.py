"""Names that the documents speak of: words written with a capital in the middle of sentences, most of the time."""

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence

from growthbench.knowledge.corpus import View
from growthbench.text.analysis import STOP_WORDS

LEAST = 2
"""Occurrences with a capital inside a sentence."""
MOSTLY = 0.6
_PASSAGES = 5_000
_KEPT = 16
_INSIDE = re.compile(r"(?<=[a-z,;:)] )([A-Z][A-Za-z][\w-]*)")
_WORD = re.compile(r"[A-Za-z][\w-]+")


class Names:
    """Names of each view of the documents, found once."""

    def __init__(self):
        self._found: OrderedDict[tuple, dict[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def spoken(self, text: str, tenant: str, role: str | None, view: View) -> list[str]:
        """Names in a text, as the documents write them, in the order of the text."""
        known = self._of(tenant, role, view)
        found = (known.get(word.lower()) for word in _WORD.findall(text))
        return list(dict.fromkeys(name for name in found if name))

    def _of(self, tenant: str, role: str | None, view: View) -> dict[str, str]:
        key = (tenant, role, view.version)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        known = names_in([p.text for p in view.passages[:_PASSAGES]])
        with self._lock:
            self._found[key] = known
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return known


def names_in(texts: Sequence[str]) -> dict[str, str]:
    """Names by their lower-cased form.

    >>> names_in(["We sell Pro. The Pro plan costs more."])
    {'pro': 'Pro'}
    """
    inside: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for text in texts:
        inside.update(_INSIDE.findall(text))
        found = _WORD.findall(text)
        capital.update(word for word in found if word[0].isupper())
        every.update(word.lower() for word in found)
    return {
        name.lower(): name
        for name, n in inside.items()
        if n >= LEAST and capital[name] >= MOSTLY * every[name.lower()] and name.lower() not in STOP_WORDS
    }
