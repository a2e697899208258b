"""Golden rows: a few inputs kept with a model, and the exact floats it gave for them when it was made."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError, GoldenRowsError
from growthbench.learning.model import Model, Scores, plain, said_value

GOLDEN = "golden.json"
_MOST = 64


def golden_rows(model: Model, columns: Mapping[str, Sequence]) -> dict[str, Any]:
    """What ``golden.json`` holds: the rows, and margins and scores as hexadecimal floats."""
    rows = {name: [said_value(v) for v in plain(columns[name])] for name in columns}
    scores = model.score(rows)
    if not 1 <= len(scores) <= _MOST:
        raise BadInputError(f"give 1 to {_MOST} golden rows, found {len(scores)}", field="golden")
    return {"rows": rows} | _expected(scores)


def check_golden(model: Model, golden: Mapping[str, Any]) -> None:
    """Score the golden rows again, together and the first one alone.

    Raises
    ------
    GoldenRowsError
        Any float differs in any bit, or a label or refusal differs. Only a model that says so (`Model.tolerance`) may
        differ in its last digits, where its encoder's do from processor to processor.
    """
    try:
        rows = golden["rows"]
        together = _expected(model.score(rows))
        alone = _expected(model.score({name: values[:1] for name, values in rows.items()}))
        for name, found in together.items():
            row = next((i for i, (a, b) in enumerate(zip(found, golden[name])) if not _same(a, b, model.tolerance)), 0)
            if not _same(found, golden[name], model.tolerance) or alone[name] != found[:1]:
                raise GoldenRowsError(
                    f"{model.task}: golden row {row} gives another {name} than when the model was made: "
                    f"it was altered, or this machine's XGBoost or numpy computes differently; it is not served"
                )
    except (KeyError, TypeError, AttributeError, ValueError, BadInputError) as exc:
        raise ArtifactError(f"the golden rows cannot be read: {exc!r}") from exc


def _same(found: Any, stored: Any, tolerance: float) -> bool:
    """Whether two values, or lists of them, are equal: bit for bit, or hexadecimal floats within a tolerance."""
    if found == stored or not tolerance:
        return found == stored
    if isinstance(found, list):
        same_size = isinstance(stored, list) and len(found) == len(stored)
        return same_size and all(_same(a, b, tolerance) for a, b in zip(found, stored))
    if not isinstance(found, str) or not found.lstrip("-").startswith("0x"):
        return False
    return abs(float.fromhex(found) - float.fromhex(stored)) <= tolerance


def _expected(scores: Scores) -> dict[str, list]:
    found = {"margins": _hex(scores.raw), "scores": _hex(scores.score), "labels": list(scores.label)}
    return found if scores.refused is None else found | {"refused": scores.refused.tolist()}


def _hex(values: np.ndarray) -> list:
    if values.ndim == 1:
        return [v.hex() for v in values.tolist()]
    return [[v.hex() for v in row] for row in values.tolist()]
