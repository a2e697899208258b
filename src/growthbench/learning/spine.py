"""From a log to rows: who is looked at and as of when (the spine), then features and label of each.

Eligibility sees what was known at the moment (``timestamp < moment and received_at <= moment``). A label sees every
event of its window, whenever it was received, and only windows that had ended when the log's knowledge ends.

People who were merged are one, from when that was known: until then each has rows of its own, as each would have been
scored, and the label of each is what they did together; afterwards there is one row. The view ``events`` says so to
tasks that know nothing of merges: an event of one of them stands there for each of them, received when it was known to
be theirs, or never where it was not, so that eligibility does not see it and the label does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from growthbench.base.clock import DAY_US, to_iso
from growthbench.base.errors import BadInputError
from growthbench.features import duck
from growthbench.features.visibility import linked, roots
from growthbench.learning.columns import Column
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import TrainParams
from growthbench.learning.tables import slice_values

_COLUMNS = "tenant_id, person, event_id, name, timestamp, received_at"


_NEVER = 2**62
_TOGETHER = f"""
CREATE VIEW events AS
WITH open_links AS (SELECT * FROM links WHERE until_seq IS NULL),
one AS (SELECT member AS person, root FROM ({{roots}})),
everybody AS (SELECT person, root FROM one UNION SELECT root, root FROM one),
pairs AS (SELECT a.person, b.person AS other FROM everybody a JOIN everybody b USING (root) WHERE a.person <> b.person)
SELECT {_COLUMNS} FROM recorded
UNION ALL
SELECT e.tenant_id, p.other, e.event_id, e.name, e.timestamp,
       CASE WHEN l.member IS NULL THEN {_NEVER} ELSE greatest(e.received_at, l.received_at) END
FROM recorded e JOIN pairs p USING (person) LEFT JOIN open_links l ON l.person = p.other AND l.member = e.person
"""


def query(lake, sql: str, values: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None):
    """Run DuckDB SQL over the lake's ``events`` view; ``$name`` placeholders are bound from ``values``.

    ``recorded`` has the same columns, and every event once; ``links`` is the lake's.

    Returns
    -------
    pyarrow.Table
    """
    if not (files := lake.files("events")):
        raise BadInputError("the event log is empty: import something first", field="data")
    with duck.connected() as connection:
        connection.execute(f"CREATE VIEW recorded AS SELECT {_COLUMNS} FROM {duck.parquet(files)}")
        connection.register("links", links := lake.links())
        together = _TOGETHER.format(roots=roots(_NEVER, _NEVER))
        connection.execute(together if links.num_rows else "CREATE VIEW events AS SELECT * FROM recorded")
        for name, table in (tables or {}).items():
            connection.register(name, table)
        return connection.sql(sql, params=dict(values or {})).to_arrow_table()


def knowledge(lake) -> tuple[int, int]:
    """First timestamp and last ``received_at`` of the log, UTC µs: what lies after the second is not known yet."""
    row = query(lake, "SELECT min(timestamp) AS first, max(received_at) AS known FROM recorded").to_pylist()[0]
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

    spine = _standing_alone(lake, task.spine(lake, params))
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
        group=_together(lake, spine),
        slices=_slices(task.slices, X),
        plan=catalogue.plan(),
    )


def _standing_alone(lake, spine: pa.Table) -> pa.Table:
    """The spine without rows of people who belonged to somebody else at the moment."""
    if not lake.links().num_rows:
        return spine
    sql = f"""
        SELECT s.* FROM spine s WHERE NOT EXISTS (
          SELECT 1 FROM links l WHERE l.member = s.person AND {linked("l", "s.moment", "s.horizon")})
        ORDER BY s.person, s.moment"""
    return query(lake, sql, tables={"spine": spine}).cast(spine.schema)


def _together(lake, spine: pa.Table) -> np.ndarray:
    """Whom each row's person belongs to in the end: rows of one group never train a model that is tested on others."""
    person = spine["person"].to_numpy(zero_copy_only=False).astype(object)
    if not lake.links().num_rows:
        return person
    found = query(lake, roots(_NEVER, _NEVER))
    of = dict(zip(found["member"].to_pylist(), found["root"].to_pylist()))
    return np.array([of.get(p, p) for p in person], object)


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
