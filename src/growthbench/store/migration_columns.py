"""How migrations write columns and keys down: column types that are the same on both stores, and a tenant in every key.

Old migrations stand on this: what is here never changes its meaning.
"""

import sqlalchemy as sa

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INT, FLOAT, BYTES = sa.BigInteger(), sa.Double(), sa.LargeBinary()


def columns(names: str, column_type, nullable: bool = False) -> list[sa.Column]:
    """Columns of one type, by names separated by spaces."""
    return [sa.Column(name, column_type, nullable=nullable, autoincrement=False) for name in names.split()]


def key(*names: str) -> sa.PrimaryKeyConstraint:
    """The primary key: the tenant, and then these."""
    return sa.PrimaryKeyConstraint("tenant_id", *names)
