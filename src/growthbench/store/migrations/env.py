"""Alembic environment: the caller passes its connection and transaction."""

from alembic import context

from growthbench.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
