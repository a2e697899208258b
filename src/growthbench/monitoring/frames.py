"""Two sets of rows made ready for a report that knows neither missing values nor texts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from growthbench.base.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 20_000
MIN_ROWS = 100
MISSING = "(missing)"


def check_frames(reference: "pd.DataFrame", current: "pd.DataFrame", columns: Mapping[str, str]) -> None:
    """Refuse rows that lack a column, or are too few."""
    for title, frame in (("reference", reference), ("current", current)):
        if absent := [name for name in columns if name not in frame]:
            raise BadInputError(f"the {title} rows lack {', '.join(absent)}", field=absent[0])
        if len(frame) < MIN_ROWS:
            raise BadInputError(f"drift needs at least {MIN_ROWS} {title} rows, found {len(frame)}", field=title)


def sampled(frame: "pd.DataFrame", columns: Mapping[str, str], seed: int) -> dict[str, np.ndarray]:
    """Sampled columns as models take them: float64 with NaN, object of str and None."""
    some = frame.sample(MAX_ROWS, random_state=seed) if len(frame) > MAX_ROWS else frame
    made = {}
    for name, kind in columns.items():
        if kind == "number":
            values = some[name].to_numpy(np.float64, na_value=np.nan)
            made[name] = np.where(np.isfinite(values), values, np.nan)
        else:
            made[name] = some[name].astype(object).where(some[name].notna(), None).to_numpy(object)
    return made


def report_frames(
    plain: Sequence[Mapping[str, np.ndarray]], scored: Sequence[Mapping[str, np.ndarray]], columns: Mapping[str, str]
) -> tuple[list["pd.DataFrame"], dict[str, str], dict[str, str]]:
    """Frames for the report: columns, a yes/no column where numbers are missing, and the model's answers.

    Returns
    -------
    frames : list of two DataFrame
    kinds : dict of str to {"number", "category"}
        Of the frames' columns.
    left_out : dict of str to str
        Columns that cannot be compared, with the reason.
    """
    import pandas as pd

    made, kinds, left_out = [{}, {}], {}, {}
    for name, kind in columns.items():
        pair = [frame[name] for frame in plain]
        if kind == "text":
            left_out[name] = "text: see the model's answers"
            continue
        if kind == "category":
            pair, kinds[name] = [np.where(values == None, MISSING, values) for values in pair], "category"  # noqa: E711
        elif any(np.isnan(values).all() for values in pair):
            if not all(np.isnan(values).all() for values in pair):
                kinds[f"{name} {MISSING}"] = "category"
            left_out[name] = "no value on one side" if f"{name} {MISSING}" in kinds else "no value at all"
        else:
            kinds[name] = "number"
            if any(np.isnan(values).any() for values in pair):
                kinds[f"{name} {MISSING}"] = "category"
        for frame, values in zip(made, pair):
            frame[name] = values
            if f"{name} {MISSING}" in kinds:
                frame[f"{name} {MISSING}"] = np.where(np.isnan(values), "yes", "no").astype(object)
    for frame, more in zip(made, scored):
        frame.update(more)
    kinds |= {name: kind for name, kind in (("(score)", "number"), ("(decision)", "category")) if name in scored[0]}
    if not kinds:
        raise BadInputError(f"nothing to compare: {left_out}", field="columns")
    return [pd.DataFrame({name: frame[name] for name in kinds}) for frame in made], kinds, left_out
