"""What a service needs of a catalogue: statements, finishing steps, columns. NumPy and the standard library only."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.features.feature import FeatureColumn
from growthbench.features.finishing import Finisher, Step

FORMAT = 2
"""2: the statements read ``links``, so that merged people are one."""
_BATCH = 1_000
"""People per statement: bounds the databases' temporary tables."""


@dataclass(frozen=True)
class Plan:
    """A compiled catalogue.

    Attributes
    ----------
    hash : str
        SHA-256 of the canonical declarations.
    columns : tuple of FeatureColumn
        Finished columns, in order.
    parts : tuple of (name, is_text)
        Raw columns of the statements, after ``row_id``.
    steps : tuple of Step
        How columns are finished from parts.
    statements : dict of str to str
        ``sqlite`` and ``postgresql`` for one person, ``sqlite:many`` and ``postgresql:many`` for a list.
    """

    hash: str
    columns: tuple[FeatureColumn, ...]
    parts: tuple[tuple[str, bool], ...]
    steps: tuple[Step, ...]
    statements: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the finished columns."""
        return tuple(c.name for c in self.columns)

    def fetch(self, connection, tenant: str, people: Sequence[str], moment: int, horizon: int) -> dict[str, list]:
        """Raw parts of people as of one moment, in the order asked; somebody unknown has zeros and None.

        The events of whoever was merged into a person by then are theirs.

        Parameters
        ----------
        connection : sqlite3.Connection, psycopg.Connection or sqlalchemy.Connection
        tenant : str
        people : sequence of str
        moment : int
            UTC µs; events before it that were received by it are seen.
        horizon : int
            Highest ``seq`` that is seen.
        """
        return self.fetch_rows(connection, tenant, [(p, moment, horizon) for p in people])

    def fetch_rows(self, connection, tenant: str, rows: Iterable[tuple[str, int, int]]) -> dict[str, list]:
        """Raw parts of (person, moment, horizon), in the order asked."""
        rows, names = list(rows), [name for name, _ in self.parts]
        found: list[Sequence] = []
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            found += sorted(_execute(connection, self.statements, tenant, batch), key=lambda r: r[0])
        columns = list(zip(*found, strict=True))[1:] if found else [()] * len(names)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}

    def finish(self, raw: Mapping[str, Sequence]) -> dict[str, np.ndarray]:
        """Finished columns of raw parts: float64 (NaN unknown) and object arrays of str or None."""
        return self._finisher(raw)

    def compute(
        self, connection, tenant: str, people: Sequence[str], moment: int, horizon: int
    ) -> dict[str, np.ndarray]:
        """`finish` of `fetch`."""
        return self.finish(self.fetch(connection, tenant, people, moment, horizon))

    def to_json(self) -> dict[str, Any]:
        """A JSON value; `from_json` gives an equal plan."""
        return {
            "format": FORMAT,
            "hash": self.hash,
            "columns": [[c.name, c.dtype, c.unit, c.about] for c in self.columns],
            "parts": [list(p) for p in self.parts],
            "steps": [s.to_json() for s in self.steps],
            "statements": dict(self.statements),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Plan":
        """The plan of a JSON value.

        Raises
        ------
        ArtifactError
            The value is of another format.
        """
        if value.get("format") != FORMAT:
            raise ArtifactError(f"feature plan of format {value.get('format')!r}, this version reads {FORMAT}")
        return cls(
            hash=value["hash"],
            columns=tuple(FeatureColumn(*c) for c in value["columns"]),
            parts=tuple((name, text) for name, text in value["parts"]),
            steps=tuple(Step.from_json(s) for s in value["steps"]),
            statements=value["statements"],
        )

    @cached_property
    def _finisher(self) -> Finisher:
        return Finisher(self.steps)


def _execute(connection, statements: Mapping[str, str], tenant: str, rows: Sequence[tuple[str, int, int]]) -> list:
    dialect, run = _runner(connection)
    if len(rows) == 1:
        person, moment, horizon = rows[0]
        given = {"tenant": tenant, "person": person, "moment": int(moment), "horizon": int(horizon)}
        return run(statements[dialect], given)
    people, moments, horizons = zip(*((p, int(m), int(h)) for p, m, h in rows), strict=True)
    if dialect == "sqlite":
        given = {"tenant": tenant, "spine": json.dumps(list(zip(people, moments, horizons, strict=True)))}
    else:
        given = {"tenant": tenant, "people": list(people), "moments": list(moments), "horizons": list(horizons)}
    return run(statements[f"{dialect}:many"], given)


def _runner(connection):
    """Dialect of a connection, and how it runs a driver's own statement."""
    if hasattr(connection, "exec_driver_sql"):
        return connection.dialect.name, lambda sql, given: connection.exec_driver_sql(sql, given).fetchall()
    driver = type(connection).__module__.partition(".")[0]
    dialect = {"sqlite3": "sqlite", "_sqlite3": "sqlite", "psycopg": "postgresql"}.get(driver)
    if dialect is None:
        raise BadInputError(f"features are read from SQLite or PostgreSQL, not through {driver}", "connection")
    return dialect, lambda sql, given: connection.execute(sql, given).fetchall()
