"""Whether the database has the schema this code needs; asked where a statement did not find what it names."""

import psycopg
from fastapi import FastAPI, Request, Response

from nextpick.store import revision
from serving.database import Database, Unavailable
from serving.problems import Problem, response

# What a statement of this version meets on a database that an older one, or none, migrated.
LACKING = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
)
ASK_SECONDS = 1.0
RETRY_AFTER = "30"  # somebody has to type a command


async def fault(database: Database) -> str | None:
    """What is wrong with the schema and what to do; None where nothing is.

    Raises: Unavailable.
    """
    try:
        row = await database.fetch_one(revision.READ, None, ASK_SECONDS)
    except LACKING:
        row = None
    return revision.fault(str(row[0]) if row else None)


async def lacking(database: Database) -> Problem | None:
    """The 503 for a statement that did not find what it names, where a migration would help."""
    try:
        said = await fault(database)
    except (Unavailable, psycopg.Error):
        return None
    return None if said is None else Problem(503, "not-migrated", said, headers={"Retry-After": RETRY_AFTER})


def install(app: FastAPI) -> None:
    """Answer a request that met a schema this code does not know by the remedy; else the fault is ours."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = await lacking(request.app.state.service.database)
        if problem is None:
            raise error
        return response(problem)

    for kind in LACKING:
        app.add_exception_handler(kind, handle)
