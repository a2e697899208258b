"""What a caller may send, checked while it is read."""

import re
from functools import lru_cache
from typing import Any

import msgspec

from growthbench.base.errors import BadInputError
from growthbench.learning.row_reader import RowReader
from growthbench.serving.http import read_json_body


class ScoreRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a score request: exactly one of the four is given.

    Attributes
    ----------
    user_ids : list of str
        People, scored from the log.
    rows : list of objects
        Rows, each with every column of the model.
    user_id, row
        One of either; the answer is one object then, not a list.
    """

    user_ids: list[str] | None = None
    rows: list[dict[str, Any]] | None = None
    user_id: str | None = None
    row: dict[str, Any] | None = None

    def given(self) -> str:
        """Name of the one that is given.

        Raises
        ------
        BadInputError
            None is, or more than one.
        """
        names = [name for name in _ASKED if getattr(self, name) is not None]
        if len(names) != 1:
            found = f"found {' and '.join(names)}" if names else "found none of them"
            raise BadInputError(
                f"give exactly one of user_ids, rows, user_id, row; {found}", field=names[1] if names else None
            )
        return names[0]


_ASKED = ("user_ids", "rows", "user_id", "row")


class NativeScoreRequest(ScoreRequest, kw_only=True, forbid_unknown_fields=True):
    """Body of BentoML's endpoint ``score``: the same, with the task and the reasons in it."""

    task: str
    reasons: int | None = None


class NativeExplainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of BentoML's endpoint ``explain``."""

    prediction_id: str
    reasons: int | None = None


class TasksRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a request for several scores of one person, from one snapshot."""

    user_id: str
    tasks: list[str]


class ChallengerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body that names a challenger, a model that was deployed for the task before; none: there shall be none.

    Attributes
    ----------
    digest : str or None
        Of the model, 64 hexadecimal digits.
    share : float
        0 to 1: the share of people it answers; everybody else it only watches.
    """

    digest: str | None = None
    share: float = 0.0


_decoder = msgspec.json.Decoder(ScoreRequest)


def read_score_request(body: bytes) -> ScoreRequest:
    """Read a body.

    Raises
    ------
    BadInputError
        No JSON, or not this shape; ``field`` names the place.
    """
    return read_json_body(body, _decoder)


@lru_cache(maxsize=64)
def score_decoder(reader: RowReader) -> msgspec.json.Decoder:
    """Decodes a `ScoreRequest` whose rows are the reader's own; what it does not take is read again by
    `read_score_request`, and then refused by name."""
    made = msgspec.defstruct(
        "QuickScoreRequest",
        [
            ("user_ids", list[str] | None, None),
            ("rows", list[reader.row] | None, None),
            ("user_id", str | None, None),
            ("row", reader.row | None, None),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(made)


def read_reasons(text: str | int | None) -> int:
    """How many reasons are asked for, 0 for none.

    Raises
    ------
    BadInputError
        No whole number from 0 to 100.
    """
    if text is None:
        return 0
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise BadInputError(f"reasons must be a whole number from 0 to 100, found {text!r}", field="reasons")
    return number


def read_max_age(text: str | None) -> float | None:
    """How old an answer may be, seconds; None: it must be new.

    Raises
    ------
    BadInputError
        No number of seconds.
    """
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise BadInputError(f"max_age_s must be a number of seconds, found {text!r}", field="max_age_s")
    return float(text)


_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
