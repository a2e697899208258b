"""Personal data leaves as placeholders and comes back as itself.

A placeholder carries marks drawn from the prompt around it, such as ``[EMAIL_1_4be1]``: whoever writes a text that is
retrieved into a prompt cannot guess them, so nobody can plant ``[EMAIL_1]`` in a document and be handed an address.
The same text with another person's data makes the same placeholders, so a cached reply serves both, each with their
own data put back.
"""

import re
from collections.abc import Iterable

from growthbench.base.ids import digest

_EMAIL = r"(?P<EMAIL>(?<![\w.+%'-])[\w.+%'-]+@(?:[\w-]+\.)+[^\W\d_]{2,})"
_IBAN = r"(?P<IBAN>(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9]))"
_CARD = r"(?P<CARD>(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w]))"
_PHONE = (
    r"(?P<PHONE>(?<![\w.])"
    r"(?:(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,14}"  # international
    r"|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}[-. ]\d{3}[-. ]\d{4}"  # North America
    r"|(?:\(0\d{1,4}\)|0\d{1,4})[ /-](?:\d[ /-]?){5,9}\d|0\d{8,12})"  # national, with the leading 0
    r"(?![\w]))"
)
_FOUND = re.compile("|".join((_EMAIL, _IBAN, _CARD, _PHONE)))


class Mask:
    """Masks the texts of one request and unmasks its reply.

    Parameters
    ----------
    texts : iterable of str
        Every text of the request: they decide the marks of the placeholders.
    known : iterable of str
        Identifiers to mask wherever they stand as a word of their own: user ids, names.

    Examples
    --------
    >>> mask = Mask(["Write to ann@example.com."])
    >>> masked = mask.hide("Write to ann@example.com.")
    >>> "ann@" in masked, mask.show(masked)
    (False, 'Write to ann@example.com.')
    """

    def __init__(self, texts: Iterable[str], known: Iterable[str] = ()):
        texts = list(texts)
        words = sorted({word for word in known if word and word.strip()}, key=lambda word: (-len(word), word))
        self._known = re.compile("|".join(rf"(?<!\w){re.escape(w)}(?!\w)" for w in words)) if words else None
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._marks = self._draw(texts)

    def hide(self, text: str) -> str:
        """The text with placeholders."""
        return self._each(text, self._placeholder)

    def blank(self, text: str) -> str:
        """The text with ``[EMAIL]``, ``[PHONE]`` ... that nobody can turn back."""
        return self._each(text, lambda kind, _: f"[{kind}]")

    def show(self, text: str) -> str:
        """The text with what the placeholders stand for; a model may have lost the brackets."""
        if not self._values:
            return text
        found = re.compile(rf"\[?\b([A-Z]+_\d+_{self._marks})\b\]?")
        return found.sub(lambda match: self._values.get(match[1], match[0]), text)

    @property
    def hidden(self) -> int:
        """How many different values were masked."""
        return len(self._values)

    def _each(self, text: str, put) -> str:
        if self._known is not None:
            # ids first: an id may be an e-mail or look like a number; what is put stays out of the second pass
            pieces, end = [], 0
            for match in self._known.finditer(text):
                pieces += [self._found(text[end : match.start()], put), put("ID", match[0])]
                end = match.end()
            return "".join((*pieces, self._found(text[end:], put)))
        return self._found(text, put)

    @staticmethod
    def _found(text: str, put) -> str:
        def replace(match: re.Match) -> str:
            kind = match.lastgroup
            return put(kind, match[0]) if _HOLDS.get(kind, _always)(match[0]) else match[0]

        return _FOUND.sub(replace, text)

    def _placeholder(self, kind: str, value: str) -> str:
        if value not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"{kind}_{self._counts[kind]}_{self._marks}"
            self._names[value], self._values[name] = name, value
        return f"[{self._names[value]}]"

    def _draw(self, texts: list[str]) -> str:
        around = [self.blank(text) for text in texts]
        for turn in range(1000):
            marks = digest(str(turn), *around)[:4]
            if not any(marks in text for text in texts):
                return marks
        return digest(*around)  # texts that hold a thousand marks: the whole digest is not among them


def blanked(text: str, known: Iterable[str] = ()) -> str:
    """A text whose personal data is gone for good: for what comes back as numbers, which hold no placeholders.

    >>> blanked("Write to ann@example.com or +49 151 23456789.")
    'Write to [EMAIL] or [PHONE].'
    """
    return Mask((), known).blank(text)


def _always(value: str) -> bool:
    return True


def _is_card(value: str) -> bool:
    digits = [int(c) for c in value if c.isdigit()]
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 1


def _is_iban(value: str) -> bool:
    plain = re.sub(r"[ -]", "", value)
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _is_phone(value: str) -> bool:
    return 7 <= sum(c.isdigit() for c in value) <= 15 and not re.fullmatch(r"\d{3}\.\d{3}\.\d{4}\.\d*", value)


_HOLDS = {"CARD": _is_card, "IBAN": _is_iban, "PHONE": _is_phone}
