"""The operational store: SQLite or PostgreSQL behind one schema."""
