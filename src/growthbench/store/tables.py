"""What every table of the operational store shares: one metadata, two column types, one schema version.

The tables themselves are declared by the package that owns them, in its ``tables.py`` (``events.tables``,
``predictions.tables``), on this ``metadata`` with these types. The migrations make them; a test compares the two.

Text compares by UTF-8 bytes on both databases: SQLite does so by itself, PostgreSQL by ``COLLATE "C"``.
"""

from sqlalchemy import BigInteger, LargeBinary, MetaData, Text

SCHEMA_VERSION = "0007"
"""Newest migration; a store at this version needs no upgrade."""

metadata = MetaData()

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
INT = BigInteger()
BYTES = LargeBinary()
