"""Reports on drift and on models as pages inside the Airflow UI, for whoever is signed in, viewers included.

Every Airflow process imports this file, task processes too, so the app is made at its first request. A report's HTML
holds what users sent (kinds, ids), so it runs in a sandbox: its scripts see no cookie of Airflow's and reach no server.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextpick_airflow.headers import EVERY, WITHIN
from nextpick_airflow.icons import DRIFT

if TYPE_CHECKING:
    from fastapi import FastAPI
    from psycopg import Connection

    from nextpick.store.drift import Metric, Report

URL_PREFIX = "/nextpick"
PAGE = 50  # reports
NONE = "There is no such report."
VERSION = re.compile(r"[1-9]\d{0,8}")
NIGHT, NAME = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{6}(_\d{6})?\.html")
OURS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; "
    f"{WITHIN}",
    **EVERY,
}
EVIDENTLYS = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    f"style-src 'unsafe-inline'; img-src data: blob:; font-src data:; {WITHIN}",
    **EVERY,
}
EXTERNAL_VIEW = {
    "name": "Drift",  # more is cut off below its icon
    "href": f"{URL_PREFIX}/",
    "destination": "nav",
    "url_route": "nextpick-drift",
    **DRIFT,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI app that Airflow mounts."""
    await _app()(scope, receive, send)


FASTAPI_APP = {"name": "nextpick", "app": app, "url_prefix": URL_PREFIX}


@cache
def _app() -> "FastAPI":
    from airflow.api_fastapi.core_api.security import requires_authenticated
    from fastapi import Depends, FastAPI

    # without docs: the dependency would not guard them
    app = FastAPI(dependencies=[Depends(requires_authenticated())], openapi_url=None, docs_url=None, redoc_url=None)
    _add_pages(app)
    _add_files(app)
    _explain_outages(app)
    return app


def _add_pages(app: "FastAPI") -> None:
    from fastapi import HTTPException
    from fastapi.responses import HTMLResponse

    @app.get("/")
    def index(before: datetime | None = None) -> HTMLResponse:
        with _database() as conn:
            return HTMLResponse(_index(conn, before), headers=OURS)

    @app.get("/reports/{report_id}")
    def report(report_id: int) -> HTMLResponse:
        (found,) = _reports(report_id)
        if found is None:
            raise HTTPException(404, NONE)
        return HTMLResponse(_page("report.html", report=found, size_of_html=_size(found.path)), headers=OURS)

    @app.get("/compare")
    def compare(a: int, b: int) -> HTMLResponse:
        nights = _reports(a, b)
        if None in nights:
            raise HTTPException(404, NONE)
        return HTMLResponse(_compared(*sorted(filter(None, nights), key=lambda night: night.as_of)), headers=OURS)


def _add_files(app: "FastAPI") -> None:
    from fastapi import HTTPException
    from fastapi.responses import FileResponse

    @app.get("/files/{night}/{name}")
    def file(night: str, name: str) -> FileResponse:
        found = html_file(_root(), night, name)
        if found is None:
            raise HTTPException(404, NONE)
        return FileResponse(found, media_type="text/html", headers=EVIDENTLYS)

    @app.get("/models/{version}")
    def model(version: str) -> FileResponse:
        if version not in model_versions(_models()):
            raise HTTPException(404, NONE)
        return FileResponse(_models() / f"{version}.html", media_type="text/html", headers=EVIDENTLYS)


def _reports(*ids: int) -> list["Report | None"]:
    from nextpick.store import drift

    with _database() as conn:
        return [drift.report(conn, report_id) for report_id in ids]


def html_file(root: Path, night: str, name: str) -> Path | None:
    """The report's file, or None where there is none at that very place: no path leads out, nor does a link."""
    if not NIGHT.fullmatch(night) or not NAME.fullmatch(name):
        return None
    path = root.resolve() / night / name
    return path if path.is_file() and path.resolve() == path else None


def model_versions(folder: Path) -> list[str]:
    """The versions on whose lists there is a page in `folder`, newest first; a link is none."""
    found = [path.stem for path in folder.glob("*.html") if VERSION.fullmatch(path.stem) and not path.is_symlink()]
    return sorted(found, key=int, reverse=True)


def _index(conn: "Connection", before: datetime | None) -> str:
    from nextpick.store import drift

    before = drift.FOREVER if before is None else before.replace(tzinfo=before.tzinfo or UTC)
    found = drift.reports(conn, PAGE + 1, before)
    rows = [{"report": report, "size": _size(report.path)} for report in found[:PAGE]]
    older = found[PAGE - 1].as_of if len(found) > PAGE else None
    return _page("index.html", rows=rows, older=older, models=model_versions(_models()))


def _compared(*nights: "Report") -> str:
    """Two nights side by side, what differs most between them first: by how far each is on the way to its bar."""
    either = {(m.column_name, m.statistic): None for night in nights for m in night.metrics}
    found = [{(m.column_name, m.statistic): m for m in night.metrics} for night in nights]
    rows = [(*key, *(by_key.get(key) for by_key in found)) for key in either]
    rows.sort(key=lambda row: -abs(_way(row[-1]) - _way(row[-2])))
    return _page("compare.html", nights=nights, rows=rows)


def _way(metric: "Metric | None") -> float:
    """How far a figure is on its way to where it alarms: 1 there."""
    return abs(metric.value) / metric.threshold if metric and metric.value is not None and metric.threshold else 0.0


@contextmanager
def _database() -> Iterator["Connection"]:
    from nextpick.settings import load_settings
    from nextpick.store.connection import connect

    with connect(load_settings().database()) as conn:
        yield conn


def _root() -> Path:
    from nextpick.settings import load_settings

    return load_settings().home / "reports" / "drift"


def _models() -> Path:
    from nextpick.settings import load_settings

    return load_settings().home / "reports" / "models"


def _size(path: str | None) -> int | None:
    """Bytes of a report's HTML, or None where it is gone."""
    night, _, name = (path or "").partition("/")
    found = html_file(_root(), night, name)
    return None if found is None else found.stat().st_size


def _explain_outages(app: "FastAPI") -> None:
    """Where the database cannot be asked, say so on a page; the reports' files are still there."""
    import psycopg
    from fastapi import Request
    from fastapi.responses import HTMLResponse

    from nextpick.errors import NextPickError

    def outage(_: Request, error: Exception) -> HTMLResponse:
        why = str(error) if isinstance(error, NextPickError) else f"Postgres says {type(error).__name__}."
        return HTMLResponse(_page("outage.html", why=why), status_code=503, headers=OURS)

    app.exception_handler(NextPickError)(outage)
    app.exception_handler(psycopg.Error)(outage)


def _page(template: str, **values: Any) -> str:
    return str(_templates().get_template(template).render(**values))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from nextpick.drift.meanings import STATISTICS, meaning

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    templates.filters["night"] = lambda at: f"{at:%a %Y-%m-%d %H:%M}"
    templates.globals.update(meaning=meaning, statistics=STATISTICS)
    return templates
