"""Does a text sound like the company?"""

import re
from collections.abc import Iterator

from growthbench.content.brand import Brand
from growthbench.content.findings import ADVICE, ERROR, Finding
from growthbench.content.pieces import Parts, texts_of
from growthbench.text.sentences import sentences

CHECK = "brand"
_LINK = re.compile(r"https://\S+")


def check_brand(parts: Parts, brand: Brand, kind: str) -> list[Finding]:
    """Words, sentence lengths, exclamation marks and limits of the brand file.

    >>> from growthbench.content.brand import read_brand
    >>> brand = read_brand('We do not write "seamless".')
    >>> [(f.rule, f.start, f.end) for f in check_brand({"body": "It works seamlessly."}, brand, "email")]
    [('forbidden_word', 9, 19)]
    """
    found: list[Finding] = []
    for part, text in texts_of(parts):
        found += [*_words(part, text, brand), *_long(part, text, brand)]
    return [*found, *_marks(parts, brand), *_limits(parts, brand, kind)]


def _words(part: str, text: str, brand: Brand) -> Iterator[Finding]:
    for word in brand.forbidden:
        for match in _pattern(word, r"\w*").finditer(text):
            yield Finding(
                CHECK, "forbidden_word", f"says {match[0]!r}", f'do not write "{word}"', ERROR, part, *match.span()
            )
    for old, new in brand.preferred.items():
        for match in _pattern(old, "").finditer(text):
            yield Finding(CHECK, "other_word", f"says {match[0]!r}", f'write "{new}"', ERROR, part, *match.span())


def _pattern(phrase: str, ending: str) -> re.Pattern:
    joined = r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", phrase.strip()))
    return re.compile(rf"\b{joined}{ending}\b", re.IGNORECASE)


def _long(part: str, text: str, brand: Brand) -> Iterator[Finding]:
    for a, b in sentences(text) if brand.max_sentence_words else ():
        words = len(text[a:b].split())
        if words > brand.max_sentence_words:
            said = f"has a sentence of {words} words"
            yield Finding(CHECK, "long_sentence", said, f"use at most {brand.max_sentence_words}", ADVICE, part, a, b)


def _marks(parts: Parts, brand: Brand) -> Iterator[Finding]:
    if brand.exclamation_marks is None:
        return
    places = [(part, i) for part, text in texts_of(parts) for i, c in enumerate(text) if c == "!"]
    for part, i in places[brand.exclamation_marks :]:
        yield Finding(
            CHECK, "exclamation", "has an exclamation mark", "end the sentence with a full stop", ERROR, part, i, i + 1
        )


def _limits(parts: Parts, brand: Brand, kind: str) -> Iterator[Finding]:
    if kind not in ("email", "retention"):
        return
    body, subject = str(parts.get("body", "")), str(parts.get("subject", ""))
    words, links = len(body.split()), len(_LINK.findall(" ".join(text for _, text in texts_of(parts))))
    if (most := brand.limits.get("email_words")) and words > most:
        yield Finding(
            CHECK, "email_words", f"has {words} words", f"e-mails have at most {most}: shorten it", part="body"
        )
    if (most := brand.limits.get("subject_chars")) and len(subject) > most:
        said = f"has {len(subject)} characters"
        yield Finding(CHECK, "subject_chars", said, f"subject lines have at most {most}: shorten it", part="subject")
    if (most := brand.limits.get("links")) and links > most:
        yield Finding(CHECK, "links", f"has {links} links", f"keep {most}", part="body")
