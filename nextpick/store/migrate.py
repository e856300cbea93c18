"""Bring the schema of a database to what this code expects."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from nextpick.errors import StoreError
from nextpick.store.connection import place

SCRIPTS = Path(__file__).parent / "migrations"
SCHEMA = "nextpick"
MIGRATION_LOCK = 0x6D696772  # "migr": two migrations at once run one after the other


def migrate(url: str) -> str:
    """Apply every migration the database lacks, in one transaction, and return the revision it then has.

    Raises: StoreError where Postgres is unreachable or the database was made by a newer NextPick.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.execute(sqlalchemy.schema.CreateSchema(SCHEMA, if_not_exists=True))
            config = _config()
            config.attributes["connection"] = connection
            _refuse_newer(connection)
            command.upgrade(config, "head")
    except sqlalchemy.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[-1]
        raise StoreError(f"Cannot migrate {place(url)}: {reason}.") from None
    finally:
        engine.dispose()
    return head()


def head() -> str:
    """The revision this code expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 - there is at least 0001
    return revision


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


def _engine(url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sqlalchemy.NullPool
    )


def _refuse_newer(connection: sqlalchemy.Connection) -> None:
    """An older NextPick must not guess what a newer one did to the schema."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version", schema=SCHEMA):
        return
    present = connection.execute(sqlalchemy.text("SELECT version_num FROM nextpick.alembic_version")).scalar()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if present is not None and present not in known:
        raise StoreError(
            f"The database is at revision {present}, which this NextPick does not know (its newest is {head()}). "
            "Use the version that migrated it, or a newer one."
        )
