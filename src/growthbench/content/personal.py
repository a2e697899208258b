"""Personal data in a text: addresses, phone, card and account numbers, as `language.masking` recognises them."""

import re
from typing import NamedTuple

from growthbench.language.masking import Mask

_PLACEHOLDER = re.compile(r"\[([A-Z]+)_\d+_[0-9a-f]{4,}\]")


class Personal(NamedTuple):
    """What was found: its kind, such as ``email``, and where."""

    kind: str
    start: int
    end: int


def personal_data(text: str) -> list[Personal]:
    """What looks like personal data; names of people are not recognised.

    >>> personal_data("Write to ann@example.com, please")
    [Personal(kind='email', start=9, end=24)]
    """
    mask = Mask([text])
    hidden = mask.hide(text)
    found, shift = [], 0
    for match in _PLACEHOLDER.finditer(hidden):
        value = mask.show(match[0])
        if value == match[0]:
            continue  # stood in the text itself
        start = match.start() + shift
        found.append(Personal(match[1].lower(), start, start + len(value)))
        shift += len(value) - len(match[0])
    return found


def without_personal_data(text: str) -> str:
    """The text with what was found replaced by its kind.

    >>> without_personal_data("Write to ann@example.com, please")
    'Write to [email removed], please'
    """
    for kind, start, end in reversed(personal_data(text)):
        text = f"{text[:start]}[{kind} removed]{text[end:]}"
    return text
