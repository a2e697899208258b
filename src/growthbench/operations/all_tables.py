"""Every table of the operational store, whatever was imported so far."""

from sqlalchemy import Connection, Table, inspect

import growthbench.events.tables
import growthbench.people.tables
import growthbench.predictions.tables
import growthbench.store.answer_tables
import growthbench.store.chat_tables
import growthbench.store.content_tables
import growthbench.store.knowledge_tables
import growthbench.store.ledger_tables
import growthbench.store.message_tables
import growthbench.store.tenant_tables  # noqa: F401  declares its tables on the metadata, as those above
from growthbench.base.errors import ConflictError
from growthbench.store.knowledge_tables import PGVECTOR_TABLE
from growthbench.store.tables import metadata

TABLES: dict[str, Table] = {str(table.name): table for table in metadata.sorted_tables}


def check_complete(connection: Connection) -> None:
    """Raise ConflictError if the store has tables that are not among `TABLES`: a backup would lack them."""
    there = set(inspect(connection).get_table_names()) - {"alembic_version", PGVECTOR_TABLE}
    if there != set(TABLES):
        odd = ", ".join(sorted(there ^ set(TABLES)))
        raise ConflictError(f"the store's tables are not those of this version: {odd}")
