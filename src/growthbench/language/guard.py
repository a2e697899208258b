"""The last look at what was written, before anybody sees it: no link, image, markup or hidden character gets out.

Whoever writes, a model or a document that is quoted, cannot make a reader's program fetch an address: images are taken
out, links keep their words alone, bare addresses are replaced, unless their host is one of those that the caller names.
"""

import html
import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from growthbench.language.orders import visible
from growthbench.text.analysis import words

LINK_LEFT_OUT = "[link left out]"
RUN = 7
"""Words in a row of an instruction that nobody writes by chance."""

_IMAGE = re.compile(r"!\[(?P<label>[^\]\n]*)\]\s*(?:\((?P<to>[^)\n]*)\)?|\[[^\]\n]*\])")
_LINK = re.compile(r"\[(?P<label>[^\]\n]+)\]\s*\((?P<to>[^)\n]*)\)?")
_REFERENCE = re.compile(r"^\s*\[[^\]\n]+\]:\s*\S+.*$", re.MULTILINE)
_TAG = re.compile(r"<!--.*?(?:-->|$)|</?[a-zA-Z!?][^<>]*(?:>|$)", re.DOTALL)
_SCHEMES = r"(?:https?|hxxps?|ftp|wss?|file|data|javascript|vbscript|blob|mailto|tel|sms)"
_ADDRESS = re.compile(
    rf"(?:\b{_SCHEMES}\s*:\s*/{{0,3}}|(?<![\w/:])//(?=[\w-]+\.)|\bwww\.)[^\s<>\"'`)\]]+"
    r"|(?<![\w@.])(?:[a-z0-9-]+\.)+[a-z]{2,18}(?::\d+)?[/?#][^\s<>\"'`)\]]*",
    re.IGNORECASE,
)
_FENCE = re.compile(r"`{3,}|~{3,}")
_FIELD = re.compile(r"\[\[\s*##.*?##\s*\]\]")


def cleaned(text: str, hosts: Collection[str] = ()) -> str:
    """A text without images, markup, hidden characters and links to other hosts than the named ones.

    >>> cleaned("See ![x](https://a.b/?q=1)[our page](https://a.b/p) <b>now</b>.")
    'See our page now.'
    """
    before, text = None, visible(text)
    while before != text:  # what is taken out may join what stood around it
        before, text = text, _once(html.unescape(text), hosts)
    return text


def _once(text: str, hosts: Collection[str]) -> str:
    text = _TAG.sub("", _FIELD.sub("", text))
    text = _IMAGE.sub("", text)
    text = _LINK.sub(lambda m: m[0] if _known(m["to"], hosts) and m[0].endswith(")") else m["label"], text)
    text = _REFERENCE.sub("", text)
    text = _ADDRESS.sub(lambda m: m[0] if _known(m[0], hosts) else LINK_LEFT_OUT, text)
    return _FENCE.sub("", text)


def has_address(text: str, hosts: Collection[str] = ()) -> bool:
    """Whether a text holds an image, a link, markup or an address that `cleaned` would take out.

    >>> has_address("Pro costs EUR 199."), has_address("see example.com/pay?x=1")
    (False, True)
    """
    return cleaned(text, hosts) != visible(text)


def _known(address: str, hosts: Collection[str]) -> bool:
    if not hosts:
        return False
    parts = urlsplit(unquote(address.strip()))
    return parts.scheme in ("http", "https") and "@" not in parts.netloc and (parts.hostname or "") in set(hosts)


def repeats(text: str, secret: str, run: int = RUN) -> bool:
    """Whether a text holds a run of words of a secret one, such as of the instructions of a program.

    >>> repeats("it says: answer from the sources alone as claims ok", "Answer from the sources alone, as claims.", 5)
    True
    """
    said, known = words(visible(text)), words(secret)
    if len(known) < run:
        return False
    runs = {tuple(known[i : i + run]) for i in range(len(known) - run + 1)}
    return any(tuple(said[i : i + run]) in runs for i in range(len(said) - run + 1))
