"""The operational store as a connection that knows its dialect and its transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from growthbench.base.errors import NotReadyError
from growthbench.store.breaker import Breaker
from growthbench.store.tables import SCHEMA_VERSION

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an acknowledged event survives a power cut
    "PRAGMA busy_timeout = 30000",
    "PRAGMA cache_size = -16384",  # 16 MiB, of each pooled connection
    "PRAGMA wal_autocheckpoint = 32000",  # 128 MiB: the Door's own thread does it earlier (`store.checkpoints`)
)


class Store:
    """One operational store.

    Attributes
    ----------
    engine : sqlalchemy.Engine
    dialect : str
        ``sqlite`` or ``postgresql``.
    breaker : Breaker
        For those who can do without the store for a while: ``with store.breaker: ...``.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        self.dialect = engine.dialect.name
        driver = engine.dialect.import_dbapi()
        self.breaker = Breaker("the store", (OperationalError, InterfaceError, driver.OperationalError))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot: what is read inside does not change while it is read."""
        options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back by an exception; SQLite admits one at a time."""
        with self.engine.connect().execution_options(gb_immediate=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exc) -> None:
        self.close()


def open_store(url: str) -> Store:
    """Open the store at an SQLAlchemy URL, making it and bringing it to the newest schema if needed.

    Raises
    ------
    NotReadyError
        The database cannot be reached or opened; the message names it without its password.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = _sqlite(url) if parsed.get_backend_name() == "sqlite" else _postgresql(url)
    try:
        if _version(engine) != SCHEMA_VERSION:
            from growthbench.store.migrate import upgrade

            upgrade(engine)
    except SQLAlchemyError as exc:
        engine.dispose()
        raise NotReadyError(f"the store at {parsed.render_as_string()} cannot be opened: {_first_line(exc)}") from exc
    return Store(engine)


def _first_line(exc: Exception) -> str:
    return str(getattr(exc, "orig", None) or exc).strip().splitlines()[0]


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(raw, _record):
        raw.isolation_level = None  # we say BEGIN ourselves: the driver's own rules would split transactions
        for pragma in _SQLITE_PRAGMAS:
            raw.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection):
        immediate = connection.get_execution_options().get("gb_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})

    @event.listens_for(engine, "connect")
    def _configure(raw, _record):
        with raw.cursor() as cursor:
            cursor.execute("SET jit = off")  # the planner would compile a 2 ms statement for 200 ms
            cursor.execute("SET timezone = 'UTC'")
        raw.commit()
        raw.prepare_threshold = 1

    return engine
