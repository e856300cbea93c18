"""How the pages of *NextPick* are drawn and asked for: by templates, read-only, in one consistent look at the database.

The one script, `out.js`, brings in the slow parts of a page, and opens links beside the frame that Airflow shows the
page in; the page's policy names its hash, so that nothing else is ever run.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextpick_airflow.headers import EVERY, WITHIN

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse
    from psycopg import Connection

TEMPLATES = Path(__file__).parent / "templates"
MOST_SECONDS = 10  # that a statement may take
MOST_SHOWN = 300  # characters of a text that others sent
SCRIPT = (TEMPLATES / "out.js").read_text()
_HASH = b64encode(sha256(SCRIPT.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'self'; "
    f"{WITHIN}; script-src 'sha256-{_HASH}'",
    **EVERY,
}


@contextmanager
def database() -> "Iterator[Connection]":
    """A connection that can only read, sees one moment, and gives up a statement after MOST_SECONDS.

    Raises: NextPickError where there is none.
    """
    from psycopg import IsolationLevel

    from nextpick.settings import load_settings
    from nextpick.store.connection import connect

    with connect(load_settings().database()) as conn:
        conn.read_only, conn.isolation_level = True, IsolationLevel.REPEATABLE_READ
        conn.execute("SELECT set_config('statement_timeout', %s, true)", (f"{MOST_SECONDS}s",))
        yield conn


def page(template: str, code: int = 200, **values: Any) -> "HTMLResponse":
    """A template, filled in."""
    from fastapi.responses import HTMLResponse

    values = {"asked": "", "script": SCRIPT, "now": datetime.now(UTC), **values}
    return HTMLResponse(_templates().get_template(template).render(**values), status_code=code, headers=HEADERS)


def explain_outages(app: "FastAPI") -> None:
    """Where the database cannot be asked, say so on a page, without what opens the door."""
    import psycopg

    from nextpick.errors import NextPickError

    def outage(_: Any, error: Exception) -> "HTMLResponse":
        if isinstance(error, psycopg.errors.QueryCanceled):
            why = f"Postgres did not answer within {MOST_SECONDS} seconds. It is busy: try again in a while."
        else:
            why = str(error) if isinstance(error, NextPickError) else f"Postgres says {type(error).__name__}."
        return page("home_outage.html", 503, why=why)

    app.exception_handler(NextPickError)(outage)
    app.exception_handler(psycopg.Error)(outage)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words: "3 hours ago"; what is still to come, as clocks differ, is "just now"."""
    seconds = (now - moment).total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= (2 if unit == "day" else 1) * size:
            n = int(seconds // size)
            return f"{n} {unit}{'s' if n > 1 else ''} ago"
    return "just now"


def took(started: datetime | None, ended: datetime) -> str:
    """How long something took, in words."""
    if started is None:
        return ""
    seconds = (ended - started).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def short(text: object) -> str:
    """A text that is not too long to be read."""
    said = str(text)
    return said if len(said) <= MOST_SHOWN else f"{said[:MOST_SHOWN]}…"


def score(value: float) -> str:
    """A ranker's score; nothing where there is none."""
    return "" if isnan(value) else f"{value:.3f}"


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    templates.filters.update(
        at=lambda moment: f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}",
        count=lambda n: "" if n is None else f"{n:,}",
        ago=ago,
        short=short,
        score=score,
    )
    templates.globals.update(took=took)
    return templates
