"""Every engine behind one call: ``run(plan or catalogue, drawn) -> raw parts``."""

import sqlite3
from contextlib import contextmanager

import pyarrow as pa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from growthbench.events.lake import LINK_SCHEMA
from growthbench.events.tables import event_values, events
from growthbench.features import duck
from growthbench.features.statement import compiled
from growthbench.features.visibility import EXPANDED
from growthbench.people.tables import links

TABLES = (events, event_values, links)


class DuckDB:
    """The statement of the training engine over Arrow tables."""

    def __init__(self, connection, catalogue):
        self.connection, self.catalogue = connection, catalogue
        self.sql = compiled(catalogue.parts, "duckdb")

    def raw(self, drawn):
        people, moments, horizons = zip(*drawn.spine, strict=True)
        n = len(people)
        spine = {"row_id": range(n), "tenant_id": ["local"] * n, "person": people, "moment": moments,
                 "horizon": horizons}  # fmt: skip
        self.connection.register("asked", pa.table({k: list(v) for k, v in spine.items()}))
        self.connection.register("links", drawn.link_table)
        self.connection.register("spine", duck.arrow(self.connection, EXPANDED))
        self.connection.register("events", drawn.data.events)
        self.connection.register("event_values", drawn.data.values)
        made = duck.arrow(self.connection, self.sql).sort_by("row_id")
        return {p.name: made[p.name].to_pylist() for p in self.catalogue.parts}


class Store:
    """The bound statement over a driver's own connection; rows are taken back after each example."""

    def __init__(self, connection, catalogue, mark: str):
        self.connection, self.plan, self.mark = connection, catalogue.plan(), mark

    def raw(self, drawn):
        with self.filled(drawn.data, drawn.link_table):
            return self.plan.fetch_rows(self.connection, "local", drawn.spine)

    @contextmanager
    def filled(self, data, links=None):
        cursor = self.connection.cursor()
        told = LINK_SCHEMA.empty_table() if links is None else links
        told = told.append_column("reason", pa.array(["drawn"] * told.num_rows, pa.string()))
        try:
            for table, rows in zip(TABLES, (data.events, data.values, told), strict=True):
                sql = f"INSERT INTO {table.name} ({', '.join(rows.column_names)}) VALUES ({self._marks(rows)})"
                cursor.executemany(sql, list(zip(*(rows[c].to_pylist() for c in rows.column_names), strict=True)))
            yield self.connection
        finally:
            self.connection.rollback()

    def _marks(self, rows):
        return ", ".join([self.mark] * rows.num_columns)


@contextmanager
def duckdb_engine(catalogue):
    with duck.connected(memory_mb=512, threads=1) as connection:
        yield DuckDB(connection, catalogue)


@contextmanager
def sqlite_engine(catalogue):
    """A bare connection: nothing but SQLite's built-in functions."""
    connection = sqlite3.connect(":memory:")
    for table in TABLES:
        connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
    connection.commit()
    try:
        yield Store(connection, catalogue, "?")
    finally:
        connection.close()


@contextmanager
def postgresql_engine(catalogue, url):
    """Temporary tables, gone with the connection."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5) as connection:
        connection.execute("SET jit = off")
        for table in TABLES:
            ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
            connection.execute(ddl.replace("CREATE TABLE", "CREATE TEMPORARY TABLE"))
        connection.commit()
        yield Store(connection, catalogue, "%s")
