"""What somebody wants written, checked before anything is spent on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.content.personal import personal_data
from growthbench.knowledge.documents import COLLECTIONS

KINDS = ("blog", "landing_page", "ad_copy", "email", "social", "retention")
PLATFORMS = {
    "blog": (),
    "landing_page": (),
    "ad_copy": ("google_ads", "linkedin", "facebook"),
    "email": ("mailchimp", "klaviyo"),
    "social": ("linkedin", "x", "facebook", "instagram", "producthunt"),
    "retention": ("mailchimp", "klaviyo"),
}
"""Platforms of each kind; the first is meant where none is named and the kind needs one."""
PAGES = ("blog", "landing_page")
"""Kinds that are found by search."""
LANGUAGES = ("en",)
"""The checks read English; what they cannot read is refused, not passed."""
LONGEST = 400
MOST_FACTS = 10
_TEXTS = ("topic", "audience", "goal", "keyword", "tone", "call_to_action", "company")


@dataclass(frozen=True)
class Brief:
    """One order for content.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    topic : str
        What it is about; facts are looked for by it.
    audience : str
        Whom it is for: a segment, never a person.
    goal : str
        What the reader should be able to do, or do; such as "plan with dates that hold".
    keyword : str
        Search term of a blog or landing page; the topic by default.
    platform : str
        Where it will appear, one of `PLATFORMS` of the kind.
    tone : str
    call_to_action : str
        An imperative, such as "Start a free board".
    link : str
        Where it leads; https.
    company : str
        Who speaks.
    language : str
    facts : tuple of str
        Questions whose answers must be in, such as "What does Pro cost?".
    collections : tuple of str
        Where facts may come from; product_docs by default, because most other documents are not for outsiders.
    restricted : bool
        Whether documents that only some roles may read may be quoted to outsiders; no by default.

    Raises
    ------
    BadInputError

    Examples
    --------
    >>> Brief("email", "the forecast").platform
    'mailchimp'
    >>> Brief("email", "")
    Traceback (most recent call last):
        ...
    growthbench.base.errors.BadInputError: topic must be a text of 1 to 400 characters, found ''
    """

    kind: str
    topic: str
    audience: str = ""
    goal: str = ""
    keyword: str = ""
    platform: str = ""
    tone: str = ""
    call_to_action: str = ""
    link: str = ""
    company: str = ""
    language: str = "en"
    facts: tuple[str, ...] = ()
    collections: tuple[str, ...] = ("product_docs",)
    restricted: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise UnknownNameError("kind of content", self.kind, KINDS, field="kind")
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        _check_link(self.link)
        if self.language not in LANGUAGES:
            raise BadInputError(
                f"language must be one of {', '.join(LANGUAGES)}, found {self.language!r}: the checks read no others",
                field="language",
            )
        object.__setattr__(self, "facts", _names("facts", self.facts, MOST_FACTS))
        object.__setattr__(self, "collections", _names("collections", self.collections, len(COLLECTIONS)))
        for name in self.collections:
            if name not in COLLECTIONS:
                raise UnknownNameError("collection", name, COLLECTIONS, field="collections")
        if not isinstance(self.restricted, bool):
            raise BadInputError(f"restricted must be true or false, found {self.restricted!r}", field="restricted")
        object.__setattr__(self, "platform", _platform(self.kind, self.platform))
        for name in (*_TEXTS, "facts"):
            _refuse_people(name, getattr(self, name))

    @classmethod
    def of(cls, told: "Brief | Mapping[str, Any]") -> "Brief":
        """From plain data, as the Desk and the command line get it; unknown names are refused."""
        if isinstance(told, Brief):
            return told
        if not isinstance(told, Mapping):
            raise BadInputError(f"a brief is an object, found {type(told).__name__}", field="brief")
        known = [field.name for field in fields(cls)]
        for name in told:
            if name not in known:
                raise UnknownNameError("field of a brief", name, known, field=str(name))
        if missing := [name for name in ("kind", "topic") if not told.get(name)]:
            raise BadInputError(f"a brief needs {' and '.join(missing)}", field=missing[0])
        return cls(**told)

    @property
    def wanted_keyword(self) -> str:
        """What searchers type."""
        return self.keyword or self.topic

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"facts": list(self.facts), "collections": list(self.collections)}


def _check_text(name: str, value: Any) -> None:
    least = 1 if name == "topic" else 0
    if not isinstance(value, str) or not least <= len(value.strip()) <= LONGEST or "\x00" in value:
        raise BadInputError(f"{name} must be a text of {least} to {LONGEST} characters, found {value!r}", field=name)


def _check_link(value: Any) -> None:
    if not isinstance(value, str) or (value and not value.startswith("https://")) or len(value) > 2_000 or " " in value:
        raise BadInputError(f"link must begin with https:// and hold no space, found {value!r}", field="link")


def _names(name: str, value: Any, most: int) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) and one.strip() for one in value):
        raise BadInputError(f"{name} must be a list of texts, found {value!r}", field=name)
    if len(value) > most or any(len(one) > LONGEST for one in value):
        raise BadInputError(f"{name} may hold {most} texts of up to {LONGEST} characters each", field=name)
    return tuple(value)


def _platform(kind: str, named: Any) -> str:
    known = PLATFORMS[kind]
    if not named:
        return known[0] if known else ""
    if named not in known:
        raise UnknownNameError(f"platform of {kind}", named, known, field="platform")
    return named


def _refuse_people(name: str, value: str | tuple[str, ...]) -> None:
    for text in (value,) if isinstance(value, str) else value:
        if found := personal_data(text):
            raise BadInputError(
                f"{name} holds what looks like personal data ({found[0].kind}): a text goes to many people, so name a "
                "segment, and let the sending platform fill in the person",
                field=name,
            )
