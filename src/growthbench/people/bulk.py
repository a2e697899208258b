"""Rows of many keys in one statement, through the driver itself."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection

_WORDS = {
    "sqlite": {"tenant": "?", "given": "?", "among": "IN (SELECT value FROM json_each(?))"},
    "postgresql": {"tenant": "%s", "given": "%s", "among": "= ANY(%s::text[])"},
}


def rows_of(connection: Connection, sql: str, tenant: str, keys: Sequence[str], *given: Any) -> list[tuple]:
    """Rows of a statement about a list of texts.

    Parameters
    ----------
    sql : str
        With ``{tenant}``, ``{given}`` for each of ``given``, and ``{among}``, in this order: ``person {among}``.
    """
    dialect = connection.dialect.name
    bound = json.dumps(list(keys)) if dialect == "sqlite" else list(keys)
    driver = connection.connection.driver_connection
    return driver.execute(sql.format(**_WORDS[dialect]), (tenant, *given, bound)).fetchall()


def rows_with(connection: Connection, sql: str, tenant: str, *given: Any) -> list[tuple]:
    """Rows of a statement with ``{tenant}`` and then ``{given}`` for each of ``given``."""
    driver = connection.connection.driver_connection
    return driver.execute(sql.format(**_WORDS[connection.dialect.name]), (tenant, *given)).fetchall()


def each_with(connection: Connection, sql: str, tenant: str, *given: Any) -> Iterator[tuple]:
    """The same row by row, for whoever may stop early."""
    driver = connection.connection.driver_connection
    with closing(driver.execute(sql.format(**_WORDS[connection.dialect.name]), (tenant, *given))) as cursor:
        yield from cursor
