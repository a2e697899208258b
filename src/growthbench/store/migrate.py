"""Bring a store to the newest schema with Alembic."""

from pathlib import Path

from sqlalchemy import Engine, text


def alembic_config():
    """Alembic's configuration for our migrations, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine) -> None:
    """Upgrade to head in one transaction; of several processes starting at once, one does it and the others wait."""
    from alembic import command

    config = alembic_config()
    with engine.connect().execution_options(gb_immediate=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7276001)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
