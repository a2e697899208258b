"""How easily English text is read: Flesch's Reading Ease."""

import re

from growthbench.text.sentences import sentences

_WORD = re.compile(r"[A-Za-z][A-Za-z'\u2019-]*")
_VOWELS = re.compile(r"[aeiouy]+")


def syllables(word: str) -> int:
    """Syllables of an English word by rule: vowel groups, a silent e at the end left out; off by one in about a tenth.

    >>> [syllables(w) for w in ("board", "forecast", "automation", "table", "ease")]
    [1, 2, 4, 2, 1]
    """
    word = word.lower().strip("'\u2019-")
    count = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee", "ye", "oe"))
    middle = len(re.findall(r"[^aeiouy]e(?=(?:cast|ment|ful|less|ly|s$|d$))", word)) if count > 1 else 0
    soft = 1 if middle and not re.search(r"(?:[td]ed|[sxz]es|ches|shes|ges|ces)$", word) else 0
    return max(1, count - (1 if silent and count > 1 else 0) - soft)


def reading_ease(text: str) -> float | None:
    """Flesch Reading Ease: 206.835 - 1.015 words/sentences - 84.6 syllables/words; None below 20 words.

    60 and more is plain English. Source: R. Flesch, "A new readability yardstick", Journal of Applied Psychology 32
    (1948), p. 221-233.
    """
    found = [word for a, b in sentences(text) for word in _WORD.findall(text[a:b])]
    if len(found) < 20:
        return None
    whole = sum(1 for a, b in sentences(text) if _WORD.search(text[a:b]))
    return round(206.835 - 1.015 * len(found) / whole - 84.6 * sum(map(syllables, found)) / len(found), 1)
