"""Many rows into a table at once, through the driver itself."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection

_AT_ONCE = (400, 100, 20)


def write_tuples(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[tuple]) -> None:
    """Insert rows: COPY on PostgreSQL, statements of many rows on SQLite."""
    names = ", ".join(f'"{c}"' for c in columns)
    driver = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        insert_many(driver, f"{table} ({names})", rows)


def insert_many(driver: Any, into: str, rows: Iterable[tuple], ending: str = "") -> None:
    """Insert rows into SQLite, some hundreds a statement.

    The driver gives up the interpreter's lock for every statement and waits for it afterwards, behind whoever computes
    meanwhile (5 ms): with a statement for each row a busy process would write two hundred of them a second. A column
    that is empty in all rows of a statement is written into it as NULL: binding None takes longer than binding a text.
    A row that is refused rolls the whole transaction back. The default, to undo the statement alone, would copy every
    page that it touches into a file beside it, which is as much as the log gets
    (https://www.sqlite.org/tempfiles.html, "Statement Journal Files").

    Parameters
    ----------
    driver : sqlite3.Connection
    into : str
        ``table (columns)``.
    ending : str, optional
        What follows the values, such as ``ON CONFLICT ...``.
    """
    rest = iter(rows)
    while part := list(islice(rest, _AT_ONCE[0])):
        at = 0
        for size in _AT_ONCE:
            while len(part) - at >= size:
                columns = tuple(zip(*part[at : at + size]))
                filled = tuple(column.count(None) < size for column in columns)
                values = chain.from_iterable(zip(*(column for column, some in zip(columns, filled) if some)))
                driver.execute(_statement(into, filled, size, ending), tuple(values))
                at += size
        if at < len(part):
            driver.executemany(_statement(into, (True,) * len(part[0]), 1, ending), part[at:])


@lru_cache(1_000)
def _statement(into: str, filled: tuple[bool, ...], rows: int, ending: str) -> str:
    one = f"({', '.join('?' if some else 'NULL' for some in filled)})"
    return f"INSERT OR ROLLBACK INTO {into} VALUES {', '.join([one] * rows)} {ending}"
