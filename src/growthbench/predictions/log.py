"""The prediction log: every answer with what it takes to compute it again."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import to_iso
from growthbench.base.errors import GoneError, NotFoundError
from growthbench.people.tables import erased_predictions
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.tables import predictions
from growthbench.store.engine import Store
from growthbench.store.inserting import write_tuples

_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


COLUMNS = ("tenant_id", "prediction_id", "task", "person", "given", "moment", "horizon", "feature_hash", "model_digest",
           "run_id", "margin", "score", "scores", "band", "confidence", "parts", "created_at", "role")  # fmt: skip
"""Of a row that `write_logged` writes, in order."""


def write_logged(connection: Connection, items: Sequence[Sequence[tuple]]) -> list[None]:
    """Write what requests said, a list of rows (`COLUMNS`) each: the prediction log's part of a group commit."""
    write_tuples(connection, "predictions", COLUMNS, chain.from_iterable(items))
    return [None] * len(items)


class PredictionLog:
    """One tenant's prediction log."""

    def __init__(self, store: Store, tenant: str):
        self.store, self.tenant = store, tenant
        # Ids are random, so a conflict is a batch's own row, written before the batch was interrupted: the same row.
        self._insert = _INSERT[store.dialect](predictions).on_conflict_do_nothing()

    def write(self, made: Sequence[Prediction]) -> None:
        """Write predictions in one transaction; an id that is there already is left as it is."""
        if made:
            rows = [prediction.logged(self.tenant) for prediction in made]
            with self.store.writing() as connection:
                connection.execute(self._insert, rows)

    def read(self, prediction_id: str) -> Mapping[str, Any]:
        """The row of one prediction.

        Raises
        ------
        NotFoundError
            There is none of this id.
        GoneError
            It was erased with its person.
        """
        mine = (predictions.c.tenant_id == self.tenant, predictions.c.prediction_id == prediction_id)
        with self.store.reading() as connection:
            row = connection.execute(select(predictions).where(*mine)).mappings().one_or_none()
            erased = None if row is not None else self._erased(connection, prediction_id)
        if erased is not None:
            raise GoneError(
                f"{prediction_id} was erased on {to_iso(erased.erased_at)[:10]}, receipt {erased.receipt_id}"
            )
        if row is None:
            raise NotFoundError(f"there is no prediction {prediction_id!r}")
        return row

    def _erased(self, connection: Connection, prediction_id: str):
        mine = (
            erased_predictions.c.tenant_id == self.tenant,
            erased_predictions.c.prediction_id == prediction_id,
        )
        return connection.execute(select(erased_predictions).where(*mine)).one_or_none()

    def ids(self, task: str | None = None, after: str = "", limit: int | None = None) -> list[str]:
        """Ids in byte order, which is the order of making; page with the last one of the page before."""
        query = select(predictions.c.prediction_id).where(
            predictions.c.tenant_id == self.tenant, predictions.c.prediction_id > after
        )
        if task is not None:
            query = query.where(predictions.c.task == task)
        with self.store.reading() as connection:
            return list(connection.execute(query.order_by(predictions.c.prediction_id).limit(limit)).scalars())

    def count(self, task: str | None = None) -> int:
        """Number of predictions, of one task if given."""
        query = select(func.count()).select_from(predictions).where(predictions.c.tenant_id == self.tenant)
        if task is not None:
            query = query.where(predictions.c.task == task)
        with self.store.reading() as connection:
            return connection.execute(query).scalar_one()
