"""Tables of what is served and of what was said."""

from sqlalchemy import Column, Double, Index, LargeBinary, Table

from growthbench.store.tables import INT, TEXT, metadata

deployments = Table(
    "deployments",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("task", TEXT, primary_key=True),
    Column("champion", TEXT, nullable=False),
    Column("champion_run", TEXT),
    Column("challenger", TEXT),
    Column("challenger_run", TEXT),
    Column("share", Double, nullable=False),
    Column("evidence", TEXT, nullable=False),
    Column("version", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
)
"""What is served now: one row per tenant and task. ``champion`` and ``challenger`` are artifact digests, ``share``
(0..1) the part of people that the challenger answers, ``evidence`` JSON of the gate, ``version`` the newest row of the
history."""

deployment_history = Table(
    "deployment_history",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("task", TEXT, primary_key=True),
    Column("version", INT, primary_key=True, autoincrement=False),
    Column("action", TEXT, nullable=False),
    Column("champion", TEXT, nullable=False),
    Column("champion_run", TEXT),
    Column("challenger", TEXT),
    Column("challenger_run", TEXT),
    Column("share", Double, nullable=False),
    Column("evidence", TEXT, nullable=False),
    Column("parent", INT),
    Column("changed_at", INT, nullable=False),
)
"""Every state ``deployments`` ever had, append only; ``parent`` is the version that a rollback returns to."""

predictions = Table(
    "predictions",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("prediction_id", TEXT, primary_key=True),
    Column("task", TEXT, nullable=False),
    Column("person", TEXT),
    Column("given", TEXT),
    Column("moment", INT),
    Column("horizon", INT),
    Column("feature_hash", TEXT, nullable=False),
    Column("model_digest", TEXT, nullable=False),
    Column("run_id", TEXT),
    Column("margin", Double),
    Column("score", Double, nullable=False),
    Column("scores", LargeBinary),
    Column("band", TEXT),
    Column("confidence", Double, nullable=False),
    Column("parts", TEXT),
    Column("created_at", INT, nullable=False),
    Column("role", TEXT, nullable=False, server_default="champion"),
    sqlite_with_rowid=False,
)
"""The prediction log. A person's prediction has ``person moment horizon``, a row's has ``given`` (its canonical JSON).
``margin`` is the score before calibration; ``scores``, float64 little-endian, has every class where there are more than
two. ``role`` is champion, challenger (it answered in the champion's place) or shadow (it only watched)."""

Index("predictions_by_person", predictions.c.tenant_id, predictions.c.person, predictions.c.created_at)
