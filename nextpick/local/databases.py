"""One server, three databases, and for each a role that may enter that one alone."""

import psycopg
from psycopg import sql

from nextpick.local.postgres import SUPERUSER
from nextpick.local.secrets import Secrets

NAMES = ("airflow", "mlflow", "nextpick")


def url(port: int, name: str, secrets: Secrets) -> str:
    """The URL by which the role `name` reaches its database."""
    return f"postgresql://{name}:{password(name, secrets)}@127.0.0.1:{port}/{name}"


def password(name: str, secrets: Secrets) -> str:
    """Of the role `name`."""
    return str(getattr(secrets, f"{name}_database"))


def ensure(port: int, secrets: Secrets) -> None:
    """Make what is missing of roles and databases, and set passwords and rights as they should be."""
    admin_url = f"postgresql://{SUPERUSER}:{secrets.postgres}@127.0.0.1:{port}/postgres"
    with psycopg.connect(admin_url, autocommit=True) as conn:
        for name in NAMES:
            role = sql.Identifier(name)
            if not _exists(conn, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
                conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            verifier = conn.pgconn.encrypt_password(password(name, secrets).encode(), name.encode(), b"scram-sha-256")
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, verifier.decode()))  # never the password
            if not _exists(conn, "SELECT 1 FROM pg_database WHERE datname = %s", name):
                conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        for database in (*NAMES, "postgres", "template1"):
            conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


def version(port: int, name: str, secrets: Secrets) -> str | None:
    """What `note_version` said of the database last."""
    with psycopg.connect(url(port, name, secrets)) as conn:
        row = conn.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    return row[0] if row else None


def note_version(port: int, name: str, secrets: Secrets, known: str) -> None:
    """Write down in the database itself, as its comment, which version its schema is of."""
    with psycopg.connect(url(port, name, secrets)) as conn:
        conn.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), known))


def _exists(conn: psycopg.Connection, query: "sql.LiteralString", name: str) -> bool:
    return conn.execute(query, (name,)).fetchone() is not None
