"""What a caller may send, checked while it is read."""

import re
from typing import Any

import msgspec

from growthbench.base.errors import BadInputError


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
        names = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if len(names) != 1:
            found = f"found {' and '.join(names)}" if names else "found none of them"
            raise BadInputError(
                f"give exactly one of user_ids, rows, user_id, row; {found}", field=names[1] if names else None
            )
        return names[0]


_decoder = msgspec.json.Decoder(ScoreRequest)
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")


def read_score_request(body: bytes) -> ScoreRequest:
    """Read a body.

    Raises
    ------
    BadInputError
        No JSON, or not this shape; ``field`` names the place.
    """
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as exc:
        text = str(exc)
        path, unknown = _PATH.search(text), _UNKNOWN.search(text)
        field = unknown.group(1) if unknown else path.group(1).replace("[...]", "") if path else None
        raise BadInputError(_PATH.sub("", text), field=field or None) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadInputError(f"the body is not JSON: {exc}") from exc


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
