"""Bring the schema of a database to what this code expects."""

from pathlib import Path
from typing import NamedTuple

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from nextpick.errors import StoreError
from nextpick.store.connection import place

SCRIPTS = Path(__file__).parent / "migrations"
SCHEMA = "nextpick"
MIGRATION_LOCK = 0x6D696772  # "migr": two migrations at once run one after the other


LOCK_SECONDS = 30  # for a table that others are reading; longer, and everybody queues behind us


class Migrated(NamedTuple):
    """The revisions a database was at, None for one that was empty, and is at now."""

    before: str | None
    after: str


def migrate(url: str) -> Migrated:
    """Apply every migration the database lacks, in one transaction. Two at once: the second waits and finds it done.

    Raises: StoreError where Postgres is unreachable, does not let us, or the database was made by a newer NextPick.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.execute(sqlalchemy.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            before = _present(connection)
            if before != head():
                _refuse_newer(before)
                connection.execute(sqlalchemy.schema.CreateSchema(SCHEMA, if_not_exists=True))
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.ProgrammingError) as error:
        raise StoreError(f"Cannot migrate {place(url)}: {_reason(error)}. Nothing was changed.") from None
    finally:
        engine.dispose()
    return Migrated(before, head())


def _reason(error: sqlalchemy.exc.DBAPIError) -> str:
    """Postgres's own sentence, and what to do about the two that are common."""
    said = str(error.orig).strip().splitlines()
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return f"a table was in use for {LOCK_SECONDS} s; try again when less goes on"
    if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
        return f"{said[0]}; the role must own the schema {SCHEMA}, or be allowed to make it"
    return said[-1]


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


def _present(connection: sqlalchemy.Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table("alembic_version", schema=SCHEMA):
        return None
    return connection.execute(sqlalchemy.text("SELECT version_num FROM nextpick.alembic_version")).scalar()


def _refuse_newer(present: str | None) -> None:
    """An older NextPick must not guess what a newer one did to the schema."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if present is not None and present not in known:
        raise StoreError(
            f"The database is at revision {present}, which this NextPick does not know (its newest is {head()}). "
            "Use the version that migrated it, or a newer one."
        )
