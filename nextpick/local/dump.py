"""Postgres' own pg_dump and pg_restore, from the binaries of the embedded server. No password on a command line."""

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from nextpick.errors import UpkeepError
from nextpick.local.postgres import program
from nextpick.store.connection import connect, place

_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def dump(url: str, schema: str, file: Path) -> None:
    """Write a schema of a database to a file, as one snapshot. Raises: UpkeepError with pg_dump's own words."""
    _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--schema={schema}", f"--file={file}")


def restore(url: str, schema: str, file: Path) -> None:
    """Put a dump in place of the schema. A run that fails leaves it absent, or as it was; repeat it.

    Raises: UpkeepError with pg_restore's own words; StoreError where Postgres is unreachable.
    """
    with connect(url) as conn:
        conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    words = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname", _name(url))
    _run(url, "pg_restore", *words, str(file))


def is_empty(conn: psycopg.Connection, schema: str) -> bool:
    """Whether no table of the schema has a row, those that migrations fill apart."""
    found = conn.execute(
        "SELECT quote_ident(schemaname), quote_ident(tablename) FROM pg_tables "
        "WHERE schemaname = %s AND tablename NOT LIKE 'alembic%%' AND tablename <> 'signing'",
        (schema,),
    ).fetchall()
    for names in found:
        table = sql.SQL(".").join(sql.SQL(name) for name in names)
        if conn.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
            return False
    return True


def _name(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def _run(url: str, name: str, *words: str) -> None:
    parts = conninfo_to_dict(url)
    known = {_VARIABLES[key]: str(value) for key, value in parts.items() if key in _VARIABLES}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **known}
    done = subprocess.run([str(program(name)), *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise UpkeepError(f"{name} of {place(url)} failed: {said}")
