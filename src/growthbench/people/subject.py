"""Whom an erasure is about, and how a mention of them is told from the rest of a text."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

_INSIDE = re.compile(r"[^\s\"'`,;<>()\[\]{}|=&?]+")
_NAMED = re.compile(
    r'("(?:user|anonymous|previous)_?id"\s*:\s*)"((?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*)"', re.IGNORECASE
)
_MASK = "[erased]"
_LONGEST = 400  # characters of an id; what is longer is no id
NEVER = 2**62
"""Later than any moment and any number of the log."""


@dataclass(frozen=True)
class Subject:
    """One person, with every key and id that means them.

    Ids are known in two ways: in plain (``needles``) while an erasure runs, and as keyed digests (``lookups``) for ever
    after, so that a receipt can search again without holding what it looks for.

    Attributes
    ----------
    tenant : str
    persons : tuple of str
        Person keys, the root first; in logs without person keys also ids.
    lookups : frozenset of (kind, digest)
    needles : tuple of str
        Ids, e-mail addresses and phone numbers in plain; may be empty.
    digest : callable
        ``(kind, value) -> digest``, the key ring's ``lookup`` of this tenant.
    until : int
        UTC µs of the request: what came later is about somebody who came back.
    horizon : int
        The log's last ``seq`` at that moment.
    """

    tenant: str
    persons: tuple[str, ...]
    lookups: frozenset[tuple[str, str]]
    needles: tuple[str, ...]
    digest: Callable[[str, str], str]
    until: int = NEVER
    horizon: int = NEVER

    @property
    def digests(self) -> frozenset[str]:
        """The keyed digests alone."""
        return frozenset(digest for _, digest in self.lookups)

    @property
    def names(self) -> tuple[str, ...]:
        """What a column of persons may hold in files made outside of the store: person keys, and ids in plain."""
        return (*self.persons, *self.needles)

    def mentions(self, text: str | None) -> bool:
        """Whether a text (plain or JSON) holds one of the `telling` ids as a word or value, or any id under the name of
        one (``"user_id": "42"``).

        >>> def known(kind, value):
        ...     return f"<{value}>"
        >>> jane = Subject("t", (), frozenset({("email", "<jane@x.org>")}), (), known)
        >>> jane.mentions("write to jane@x.org."), jane.mentions('{"to": "mary-jane@x.org"}')
        (True, False)
        """
        if not text:
            return False
        if self.needles:
            pattern = _pattern(self.needles)
            if any(value in self.needles for value in _named(text)) or pattern.search(text):
                return True
            return pattern.search(_plain(text)) is not None
        kinds = {kind for kind, _ in self.lookups}
        words = _words(text) | set(_named(text))
        return any((kind, self.digest(kind, word)) in self.lookups for word in words for kind in kinds)

    def masked(self, text: str) -> str:
        """The text with its mentions replaced by ``[erased]``; all of it, where ids are known by digest only."""
        if not self.needles:
            return json.dumps({"erased": True}) if text.startswith("{") else _MASK
        pattern = _pattern(self.needles)
        found = _NAMED.sub(self._masked_value, pattern.sub(_MASK, text))
        if pattern.search(_plain(found)):  # escaped or percent-encoded: no piece of it can be kept
            return json.dumps({"erased": True}) if text.startswith("{") else _MASK
        return found

    def _masked_value(self, found: re.Match) -> str:
        return f'{found[1]}"{_MASK}"' if _unquoted(found[2]) in self.needles else found[0]


def telling(value: str) -> bool:
    """Whether an id can be told from other words: ``42`` or ``anna`` in somebody else's event may mean anything.

    >>> [telling(v) for v in ("jane@x.org", "user-4711", "4915112345678", "42", "newsletter")]
    [True, True, True, False, False]
    """
    if "@" in value:
        return len(value) > 3
    letters = sum(c.isalpha() for c in value)
    return len(value) >= (8 if 0 < letters < len(value) else 10) and letters < len(value)


@lru_cache(maxsize=64)
def _pattern(needles: tuple[str, ...]) -> re.Pattern:
    """Finds a telling id that is not a part of a longer word; e-mail addresses in either case."""
    words = sorted(filter(telling, needles), key=len, reverse=True)
    if not words:
        return re.compile(r"(?!)")
    return re.compile(r"(?<![\w@.+-])(?:" + "|".join(map(_either_case, words)) + r")(?![\w@+-]|\.\w)")


def _either_case(needle: str) -> str:
    return f"(?i:{re.escape(needle)})" if "@" in needle else re.escape(needle)


def _named(text: str) -> list[str]:
    """Values that stand under the name of an id in JSON."""
    return [_unquoted(found[2]) for found in _NAMED.finditer(text)]


def _unquoted(text: str) -> str:
    return json.loads(f'"{text}"', strict=False)


def _plain(text: str) -> str:
    """JSON's escapes and percent-encoding undone, as far as there are any."""
    if "\\" in text:
        text = "\n".join(_leaves(text))
    return unquote(text) if "%" in text else text


def _leaves(text: str) -> Iterator[str]:
    """All strings of a JSON document, keys too; the text itself if it is none."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        yield text
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value


def _words(text: str) -> set[str]:
    """What may be a telling id in a text: its values whole, their words, words without the punctuation around them."""
    found: set[str] = set()
    for leaf in _leaves(text):
        for form in {leaf, unquote(leaf)}:
            found.add(form)
            for word in _INSIDE.findall(form):
                found |= {word, word.strip(".,;:!?/#*_-"), *word.split("/"), *word.split(":")}
    fitting = [word for word in found if len(word) <= _LONGEST and telling(word)]
    return {form for word in fitting for form in (word, word.lower() if "@" in word else word)}
