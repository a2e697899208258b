"""Vectors in PostgreSQL with pgvector: the database computes the similarities, and nobody holds a copy of the vectors.

The extension is optional, so its table is in no migration: it is made where the extension is, and filled from
``knowledge_vectors``, whose rows stay what is true. Whoever drops it loses nothing: the next process makes it again. A
row that goes there goes here, too.

Search is exact. Numbers come as bytes, eight for a passage's place and four for its similarity: 100,000 passages are
1.2 MB a question.
"""

import logging
from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, InternalError, NotSupportedError, ProgrammingError

from growthbench.base.errors import ArtifactError, NotReadyError
from growthbench.store.engine import Store
from growthbench.store.knowledge_tables import PGVECTOR_TABLE
from growthbench.text.encoder import Embedder

_LOCK = 7276006
_PAGE = 1000
_TURNS = 3
_PLACE = np.dtype(">i8")
_FLOAT = np.dtype(">f4")
_HEAD = 4  # bytes before the numbers of a vector as pgvector sends it: how many they are, and nothing
_log = logging.getLogger("growthbench.knowledge")


class VectorsMovedError(NotReadyError):
    """Documents went while they were searched: look at the newest version."""


class PgVectorTable:
    """The table of a store; `open_table` says whether there is one.

    Parameters
    ----------
    store : Store
    schema : str
        Where the extension is: it need not be on the search path.
    """

    def __init__(self, store: Store, schema: str):
        self.store = store
        self.type = f"{_quoted(schema)}.vector"
        self.product = f"OPERATOR({_quoted(schema)}.<#>)"
        self._schema = _quoted(schema)

    def make(self) -> None:
        """Make the table if it is not there."""
        with self.store.writing() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {PGVECTOR_TABLE} ("
                    'tenant_id text COLLATE "C", encoder text COLLATE "C", content text COLLATE "C", '
                    f"place bigint GENERATED ALWAYS AS IDENTITY, vector {self.type} NOT NULL, "
                    "PRIMARY KEY (tenant_id, encoder, content), FOREIGN KEY (tenant_id, encoder, content) "
                    "REFERENCES knowledge_vectors (tenant_id, encoder, content) ON DELETE CASCADE)"
                )
            )

    def catch_up(self, tenant: str, encoder: Embedder) -> int:
        """Bring in what only ``knowledge_vectors`` has; returns how many rows.

        Raises
        ------
        ArtifactError
            The store holds vectors of other dimensions than the encoder makes.
        """
        about = _of(tenant, encoder.digest)
        with self.store.reading() as connection:
            if len(set(connection.execute(text(_COUNTS), about).one())) == 1:
                return 0  # no row is here that is not there
            there, here = (set(connection.execute(text(q), about).scalars()) for q in (_THERE, _HERE))
        wanted = sorted(there - here)
        for at in range(0, len(wanted), _PAGE):
            self._bring(about, wanted[at : at + _PAGE], encoder)
        return len(wanted)

    def _bring(self, about: dict[str, str], contents: Sequence[str], encoder: Embedder) -> None:
        for _ in range(_TURNS):
            with self.store.reading() as connection:
                found = connection.execute(text(_VECTORS), about | {"contents": contents}).all()
            rows = [about | {"content": content, "vector": _told(vector, encoder)} for content, vector in found]
            try:
                with self.store.writing() as connection:
                    if rows:
                        connection.execute(text(_INSERT.format(type=self.type)), rows)
                return
            except IntegrityError:
                continue  # one of them went in this moment: those that are still there are brought

    def open(
        self, connection: Connection, tenant: str, encoder: Embedder, contents: Sequence[str]
    ) -> "PgVectors | None":
        """Vectors of passages by their contents, in this order; None while some passage has none."""
        rows = connection.execute(text(_PLACES), _of(tenant, encoder.digest))
        found = {row.content: row.place for row in rows}
        if not contents or any(content not in found for content in contents):
            return None
        places = np.array([found[content] for content in contents], np.int64)
        return PgVectors(self, tenant, encoder.digest, encoder.dims, places)

    def document_vectors(self, connection: Connection, tenant: str, encoder: Embedder) -> dict[str, np.ndarray]:
        """The mean direction of each document's passages, by document; the database sums them up."""
        query = text(_DOCUMENTS.format(schema=self._schema))
        made = {}
        for document_id, sent in connection.execute(query, _of(tenant, encoder.digest)):
            mean = np.frombuffer(sent, _FLOAT, offset=_HEAD).astype(np.float32)
            _check_dims(len(mean), encoder)
            made[document_id] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return made

    def similarities(self, tenant: str, encoder: str, places: Sequence[int] | None, question: np.ndarray) -> np.ndarray:
        """Places and dot products, of some places or all: a structured array."""
        only = "" if places is None else _ONLY
        query = text(_PRODUCTS.format(product=self.product, type=self.type, only=only))
        about = _of(tenant, encoder) | {"question": _written(question)} | ({} if places is None else {"places": places})
        with self.store.reading() as connection:
            sent = connection.execute(query, about).scalar()
        return np.frombuffer(sent or b"", np.dtype([("place", _PLACE), ("product", _FLOAT)]))

    def rows(self, tenant: str, encoder: str, places: Sequence[int], dims: int) -> np.ndarray:
        """Places and vectors: a structured array."""
        query, about = text(_ROWS.format(schema=self._schema, only=_ONLY)), _of(tenant, encoder) | {"places": places}
        with self.store.reading() as connection:
            sent = connection.execute(query, about).scalar()
        shape = [("place", _PLACE), ("head", f"V{_HEAD}"), ("vector", _FLOAT, (dims,))]
        return np.frombuffer(sent or b"", np.dtype(shape))


class PgVectors:
    """Vectors of passages in the order of their places, computed with in the database; see `dense.Vectors`.

    Parameters
    ----------
    table : PgVectorTable
    tenant, encoder : str
    dims : int
    places : ndarray of int, shape (n,)
        Rows of the table; passages of one text share theirs.
    whole : bool
        Whether these are all passages of the tenant: then the database need not be told which.
    """

    def __init__(
        self, table: PgVectorTable, tenant: str, encoder: str, dims: int, places: np.ndarray, whole: bool = True
    ):
        self.table, self.tenant, self.encoder, self.dims = table, tenant, encoder, dims
        self.places, self.whole = places, whole

    def some(self, places: np.ndarray) -> "PgVectors":
        """Those of some passages, and of nothing else: what a role may see."""
        return PgVectors(self.table, self.tenant, self.encoder, self.dims, self.places[places], whole=False)

    def similarities(self, question: np.ndarray) -> np.ndarray:
        """Dot products with the question's vector."""
        known, order = self._known
        wanted = None if self.whole else known.tolist()
        sent = self.table.similarities(self.tenant, self.encoder, wanted, question)
        found = np.full(len(known), np.nan, np.float32)
        at = _at(known, sent["place"])
        found[at[at >= 0]] = sent["product"][at >= 0]
        if np.isnan(found).any():
            raise VectorsMovedError("documents changed while they were searched: ask again")
        return found[order]

    def rows(self, places: np.ndarray | slice) -> np.ndarray:
        """Some of the vectors."""
        known, order = np.unique(self.places[places], return_inverse=True)
        sent = self.table.rows(self.tenant, self.encoder, known.tolist(), self.dims)
        if len(sent) != len(known):
            raise VectorsMovedError("documents changed while they were searched: ask again")
        found = np.empty((len(known), self.dims), np.float32)
        found[_at(known, sent["place"])] = sent["vector"]
        return found[order]

    @cached_property
    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        return np.unique(self.places, return_inverse=True)


def open_table(store: Store) -> PgVectorTable | None:
    """The table of a store, made if need be; None without pgvector, and a line in the log says why."""
    if store.dialect != "postgresql":
        return None
    try:
        if (schema := _schema_of(store)) is None and (why := _make_extension(store)):
            _log.info("vectors are searched in memory: %s", why)
            return None
        table = PgVectorTable(store, schema or _schema_of(store))
        table.make()
    except (ProgrammingError, NotSupportedError, InternalError) as exc:  # not allowed, or a store that is only read
        said = str(exc.orig).strip().splitlines()[0]
        _log.warning("vectors are searched in memory: pgvector is there and cannot be used (%s)", said)
        return None
    return table


def _schema_of(store: Store) -> str | None:
    query = (
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'vector'"
    )
    with store.reading() as connection:
        return connection.execute(text(query)).scalar()


def _make_extension(store: Store) -> str:
    """Make the extension; why not, if not."""
    with store.reading() as connection:
        known = connection.execute(text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")).scalar()
    if not known:
        return "this PostgreSQL has no extension vector (pgvector)"
    with store.writing() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    return ""


def _of(tenant: str, encoder: str) -> dict[str, str]:
    return {"tenant": tenant, "encoder": encoder}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _told(vector: bytes, encoder: Embedder) -> str:
    numbers = np.frombuffer(vector, "<f4")
    _check_dims(len(numbers), encoder)
    return _written(numbers)


def _check_dims(dims: int, encoder: Embedder) -> None:
    if dims != encoder.dims:
        raise ArtifactError(
            f"the store holds vectors of {dims} dimensions for {encoder.name}, which makes {encoder.dims}: remove the "
            "documents and ingest them again"
        )


def _written(vector: np.ndarray) -> str:
    """A vector as pgvector reads it; every float32 comes back as it was."""
    return msgspec.json.encode(np.asarray(vector, np.float32).tolist()).decode()


def _at(known: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where each place is in a sorted array; -1: nowhere."""
    at = np.minimum(np.searchsorted(known, places), len(known) - 1)
    return np.where(known[at] == places, at, -1)


_MINE = "p.tenant_id = :tenant AND p.encoder = :encoder"
_ONLY = " AND p.place = ANY(CAST(:places AS bigint[]))"
_THEIRS = "v.tenant_id = :tenant AND v.encoder = :encoder"
_THERE = f"SELECT v.content FROM knowledge_vectors v WHERE {_THEIRS}"
_HERE = f"SELECT p.content FROM {PGVECTOR_TABLE} p WHERE {_MINE}"
_COUNTS = (
    f"SELECT (SELECT count(*) FROM knowledge_vectors v WHERE {_THEIRS}), "
    f"(SELECT count(*) FROM {PGVECTOR_TABLE} p WHERE {_MINE})"
)
_VECTORS = f"SELECT v.content, v.vector FROM knowledge_vectors v WHERE {_THEIRS} AND v.content = ANY(:contents)"
_INSERT = (
    f"INSERT INTO {PGVECTOR_TABLE} (tenant_id, encoder, content, vector) "
    "VALUES (:tenant, :encoder, :content, CAST(:vector AS {type})) ON CONFLICT DO NOTHING"
)
_PLACES = f"SELECT p.content, p.place FROM {PGVECTOR_TABLE} p WHERE {_MINE}"
_DOCUMENTS = (
    "SELECT d.document_id, {schema}.vector_send({schema}.avg(p.vector)) FROM knowledge_passages d "
    f"JOIN {PGVECTOR_TABLE} p ON p.tenant_id = d.tenant_id AND p.content = d.content "
    f"WHERE {_MINE} GROUP BY d.document_id"
)
_PRODUCTS = (
    "SELECT string_agg(int8send(p.place) || float4send(CAST(-(p.vector {product} CAST(:question AS {type})) AS real)), "
    f"'') FROM {PGVECTOR_TABLE} p WHERE {_MINE}{{only}}"
)
_ROWS = (
    "SELECT string_agg(int8send(p.place) || {schema}.vector_send(p.vector), '') "
    f"FROM {PGVECTOR_TABLE} p WHERE {_MINE}{{only}}"
)
