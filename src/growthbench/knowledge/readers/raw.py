"""What a reader finds in a file, before it is a document."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Text of one file and what the file says about itself.

    Attributes
    ----------
    text : str
        Markdown: headings begin with ``#``, items with ``-``, rows of tables with ``|``.
    facts : dict
        ``title``, ``date``, ``collection``, ``roles``, ``id`` and anything else that is said.
    """

    text: str
    facts: dict[str, Any] = field(default_factory=dict)
