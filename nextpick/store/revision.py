"""Which revision a database is at, and which this code expects; without Alembic, for those who only ask."""

import re
from functools import cache
from pathlib import Path

from nextpick.store import sql

READ = sql.load("revision")["read"]  # fails with UndefinedTable or InvalidSchemaName where nothing was ever migrated
REMEDY = "Run `nextpick migrate` with this version of NextPick, then try again."
_FILE = re.compile(r"(\d{4})_\w+\.py")


@cache
def expected() -> str:
    """The newest revision there is a migration to: they are numbered, and their files named so."""
    files = (Path(__file__).parent / "migrations" / "versions").iterdir()
    return max(found[1] for file in files if (found := _FILE.fullmatch(file.name)))


def fault(present: str | None) -> str | None:
    """What is wrong with a database at `present` (None: never migrated), with the remedy; None where this code can
    work on it. One that is ahead is no fault: a migration only adds."""
    if present is None:
        return f"The database was never migrated; this NextPick needs revision {expected()}. {REMEDY}"
    if present < expected():
        return f"The database is at revision {present} and this NextPick needs {expected()}. {REMEDY}"
    return None
