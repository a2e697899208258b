"""The expression as text: one bound statement per dialect. The spine is the parameter.

Ibis has no bound parameters, so the expression is compiled over a table called ``spine`` and a CTE of that name, made
of parameters and of the links between people, is put in front (a CTE shadows a table). Compiling takes a quarter of a
second: once, for a plan.
"""

from collections.abc import Sequence

from growthbench.base.errors import BadInputError
from growthbench.features.parts import Part
from growthbench.features.visibility import EXPANDED

ASKED = {
    "sqlite": (
        "SELECT 0 AS row_id, :tenant AS tenant_id, :person AS person, :moment AS moment, :horizon AS horizon",
        "SELECT key AS row_id, :tenant AS tenant_id, json_extract(value, '$[0]') AS person, "
        "json_extract(value, '$[1]') AS moment, json_extract(value, '$[2]') AS horizon FROM json_each(:spine)",
    ),
    "postgresql": (
        "SELECT 0::bigint AS row_id, %(tenant)s::text AS tenant_id, %(person)s::text AS person, "
        "%(moment)s::bigint AS moment, %(horizon)s::bigint AS horizon",
        "SELECT s.row_id - 1 AS row_id, %(tenant)s::text AS tenant_id, s.person, s.moment, s.horizon FROM "
        "unnest(%(people)s::text[], %(moments)s::bigint[], %(horizons)s::bigint[]) "
        "WITH ORDINALITY AS s(person, moment, horizon, row_id)",
    ),
}
"""Per dialect: who is asked for, one person or many in one statement."""

_COMPILERS = {"sqlite": "sqlite", "postgresql": "postgres", "duckdb": "duckdb", "pyspark": "pyspark"}
_CASTS = {"postgresql": ("BIGINT", "TEXT"), "duckdb": ("BIGINT", "VARCHAR"), "pyspark": ("BIGINT", "STRING")}


def compiled(parts: Sequence[Part], dialect: str) -> str:
    """The statement over tables ``spine`` (expanded), ``events`` and ``event_values``: ``row_id`` and every part.

    Parameters
    ----------
    parts : sequence of Part
    dialect : {"sqlite", "postgresql", "duckdb", "pyspark"}
    """
    return _typed(_tree(parts, dialect).sql(dialect=_sqlglot_name(dialect)), parts, dialect)


def bound(parts: Sequence[Part], dialect: str, many: bool = False) -> str:
    """The same with the spine made of parameters and of the table ``links``, for a DBAPI connection.

    Parameters
    ----------
    dialect : {"sqlite", "postgresql"}
    many : bool
        False: parameters ``tenant person moment horizon``. True: SQLite ``tenant spine`` (JSON list of
        [person, moment, horizon]), PostgreSQL ``tenant people moments horizons`` (arrays).
    """
    return _with_spine(compiled(parts, dialect), dialect, many)


def bound_statements(parts: Sequence[Part]) -> dict[str, str]:
    """Every bound statement a plan holds, by ``sqlite``, ``sqlite:many``, ``postgresql``, ``postgresql:many``."""
    bodies = {dialect: compiled(parts, dialect) for dialect in ASKED}
    return {
        f"{dialect}{':many' * many}": _with_spine(body, dialect, many)
        for dialect, body in bodies.items()
        for many in (False, True)
    }


def _with_spine(body: str, dialect: str, many: bool) -> str:
    if dialect not in ASKED:
        raise BadInputError(f"there are bound statements for {', '.join(ASKED)}, not {dialect!r}", "dialect")
    if dialect == "postgresql":
        body = body.replace("%", "%%")
    return f"WITH asked AS ({ASKED[dialect][many]}), spine AS ({EXPANDED}) {body}"


def _tree(parts: Sequence[Part], dialect: str):
    from importlib import import_module

    from growthbench.features.expression import expression, unbound_tables

    if dialect not in _COMPILERS:
        raise BadInputError(f"unknown dialect {dialect!r}; there are {', '.join(_COMPILERS)}", "dialect")
    compiler = import_module(f"ibis.backends.sql.compilers.{_COMPILERS[dialect]}").compiler
    return compiler.to_sqlglot(expression(parts, *unbound_tables()))


def _sqlglot_name(dialect: str) -> str:
    return {"postgresql": "postgres", "pyspark": "spark"}.get(dialect, dialect)


def _typed(sql: str, parts: Sequence[Part], dialect: str) -> str:
    """Casts around it: a sum of bigint is NUMERIC on PostgreSQL and HUGEINT on DuckDB, which Ibis does not know."""
    names = ["row_id", *(p.name for p in parts)]
    if dialect in _CASTS:
        integer, text = _CASTS[dialect]
        types = [integer, *(text if p.is_text else integer for p in parts)]
        quote = "`" if dialect == "pyspark" else '"'
        columns = [f"CAST({quote}{n}{quote} AS {t}) AS {quote}{n}{quote}" for n, t in zip(names, types)]
    else:
        columns = [f'"{n}"' for n in names]
    return f"SELECT {', '.join(columns)} FROM ({sql}) AS made"
