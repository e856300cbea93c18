"""What every process of the service signs with, so that one understands what another wrote."""

import psycopg

from nextpick.errors import StoreError
from nextpick.store import sql


def secret(conn: psycopg.Connection) -> bytes:
    """32 bytes, made when the schema was. Raises: StoreError where they are gone."""
    row = conn.execute(sql.load("signing")["secret"]).fetchone()
    if row is None:
        raise StoreError("nextpick.signing is empty. Insert a row of 32 random bytes; cursors given before are void.")
    return bytes(row[0])
