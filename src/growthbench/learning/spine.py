"""From a log to rows: who is looked at and as of when (the spine), then features and label of each.

Eligibility sees what was known at the moment (``timestamp < moment and received_at <= moment``). A label sees every
event of its window, whenever it was received, and only windows that had ended when the log's knowledge ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from growthbench.base.clock import DAY_US, to_iso
from growthbench.base.errors import BadInputError
from growthbench.features import duck
from growthbench.learning.columns import Column
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import TrainParams
from growthbench.learning.tables import slice_values

_COLUMNS = "tenant_id, person, event_id, name, timestamp, received_at"


def query(lake, sql: str, values: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None):
    """Run DuckDB SQL over the lake's ``events`` view; ``$name`` placeholders are bound from ``values``.

    Returns
    -------
    pyarrow.Table
    """
    if not (files := lake.files("events")):
        raise BadInputError("the event log is empty: import something first", field="data")
    with duck.connected() as connection:
        connection.execute(f"CREATE VIEW events AS SELECT {_COLUMNS} FROM {duck.parquet(files)}")
        for name, table in (tables or {}).items():
            connection.register(name, table)
        return connection.sql(sql, params=dict(values or {})).to_arrow_table()


def knowledge(lake) -> tuple[int, int]:
    """First timestamp and last ``received_at`` of the log, UTC µs: what lies after the second is not known yet."""
    row = query(lake, "SELECT min(timestamp) AS first, max(received_at) AS known FROM events").to_pylist()[0]
    return row["first"], row["known"]


def moments(lake, params: TrainParams, history_days: int = 0) -> list[int]:
    """Moments on a grid of ``every_days`` at midnights UTC, the newest with a whole label window behind it.

    Parameters
    ----------
    lake : Lake
    params : TrainParams
    history_days : int
        How long the log must reach back before a moment: who was active in so many days can be told only then.

    Raises
    ------
    BadInputError
        The log is too short for a single moment.
    """
    first, known = knowledge(lake)
    last = (known - params.window_days * DAY_US) // DAY_US * DAY_US
    grid = [last - i * params.every_days * DAY_US for i in range(params.moments)]
    grid = [m for m in grid if m > first + history_days * DAY_US]
    if not grid:
        days = (known - first) / DAY_US
        raise BadInputError(
            f"the log covers {days:.0f} days, too few for {history_days} days of history and a label window of "
            f"{params.window_days} days",
            "window_days",
        )
    return grid[::-1]


def spine_table(rows: pa.Table, horizon: int) -> pa.Table:
    """Rows with ``person moment label`` (and ``tenant_id``) as a spine: typed, sorted, with the log's horizon."""
    table = pa.table(
        {
            "tenant_id": rows["tenant_id"].cast(pa.string()),
            "person": rows["person"].cast(pa.string()),
            "moment": rows["moment"].cast(pa.int64()),
            "horizon": pa.array(np.full(rows.num_rows, horizon, np.int64)),
            "label": rows["label"].cast(pa.int64()),
        }
    )
    return table.sort_by([("person", "ascending"), ("moment", "ascending")]).combine_chunks()


def frame_from_spine(task, lake, params: TrainParams, progress=None) -> TrainingFrame:
    """Spine, shipped features and labels of a task as a training frame; the plan travels with it.

    Raises
    ------
    BadInputError
        The spine is empty or holds one class only.
    """
    from growthbench.features.offline import build
    from growthbench.features.shipped import CATALOGUE

    spine = task.spine(lake, params)
    classes = task.classes(params)
    if (found := len(np.unique(spine["label"].to_numpy()))) < 2:
        raise BadInputError(
            f"{task.name}: the log holds {spine.num_rows} rows with {found} outcome(s), two are needed; "
            f"is it the right kind of log, and long enough for {params.window_days} days?",
            "data",
        )
    catalogue = CATALOGUE.select(task.features_for_log(lake, params))
    told = (lambda done, total: progress("features", done, total)) if progress else None
    built = build(catalogue, lake, spine.drop_columns(["label"]), progress=told)
    X, columns = feature_columns(catalogue, built)
    person, moment = spine["person"].to_numpy(zero_copy_only=False), spine["moment"].to_numpy()
    return TrainingFrame(
        X=X,
        y=spine["label"].to_numpy(),
        classes=classes,
        key=np.array([f"{p}@{to_iso(m)[:16]}" for p, m in zip(person, moment)], object),
        columns=columns,
        source=getattr(lake, "source", "log"),
        time=moment,
        group=person.astype(object),
        slices=_slices(task.slices, X),
        plan=catalogue.plan(),
    )


def feature_columns(catalogue, built: pa.Table) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Finished features as a model's input: numbers float64, text object."""
    columns = tuple(
        Column(c.name, "number" if c.dtype == "number" else "category", c.unit or "", c.about)
        for c in catalogue.columns
    )
    made = {}
    for column in columns:
        values = built[column.name]
        if column.kind == "number":
            made[column.name] = values.cast(pa.float64()).to_pandas().to_numpy(np.float64)
        else:
            made[column.name] = np.array(values.to_pylist(), object)
    return pd.DataFrame(made, columns=[c.name for c in columns]), columns


def _slices(wanted: Sequence, X: pd.DataFrame) -> dict[str, np.ndarray]:
    return {s.column: slice_values(X[s.column], s.edges, s.top) for s in wanted if s.column in X}
