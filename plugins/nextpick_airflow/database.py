"""The Airflow connection `nextpick_db`, open, as the library wants it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

CONNECTION = "nextpick_db"


@contextmanager
def connection() -> "Iterator[psycopg.Connection]":
    """A psycopg connection that speaks UTC and is in no transaction; closed at the end, uncommitted work undone."""
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    hook = PostgresHook(postgres_conn_id=CONNECTION, options="-c TimeZone=UTC -c application_name=nextpick-airflow")
    with closing(hook.get_conn()) as conn:
        yield conn
