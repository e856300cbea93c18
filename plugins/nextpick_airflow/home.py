"""*NextPick* in Airflow's menu: what is live and how it does, and a field to look up a user, an item or a release.

For whoever is signed in, viewers included. Every Airflow process imports this file, so the app is made at its first
request. What takes seconds (MLflow, scoring a list) is a part of its own, which the page fetches once it is shown.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from nextpick_airflow.icons import NEXTPICK

if TYPE_CHECKING:
    from fastapi import FastAPI
    from psycopg import Connection

    from nextpick.kpis import Arm
    from nextpick.registry import ModelVersion
    from nextpick.settings import Settings

URL_PREFIX = "/nextpick-home"
EXTERNAL_VIEW = {
    "name": "NextPick",
    "href": f"{URL_PREFIX}/",
    "destination": "nav",
    "nav_top_level": True,  # of several others without a category Airflow makes a menu
    "url_route": "nextpick",
    **NEXTPICK,
}
DAYS = 7  # of answers, today included
RELEASES, VERSIONS = 5, 5  # the newest
FRESH_SECONDS = 30.0  # for so long MLflow is not asked again
WAIT_SECONDS = 5.0  # for the answer that another waits for: each who waits keeps a thread of Airflow's
FORMS = {
    "data_prep": "take a snapshot; retrain and precompute follow",
    "retrain": "train a challenger, and let the gate decide",
    "precompute": "compute every user's list, and publish",
    "rollback": "go back to an earlier release",
    "split": "let a challenger answer a share of the users",
    "tune": "search for better parameters",
    "drift_report": "look for drift now",
    "housekeeping": "remove what is older than you say",
}
_asking, _told = Lock(), dict[str, tuple[float, "list[ModelVersion]"]]()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI app that Airflow mounts."""
    await _app()(scope, receive, send)


FASTAPI_APP = {"name": "nextpick home", "app": app, "url_prefix": URL_PREFIX}


@cache
def _app() -> "FastAPI":
    from airflow.api_fastapi.core_api.security import requires_authenticated
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    from nextpick_airflow import home_page, inspector

    # without docs: the dependency would not guard them
    app = FastAPI(dependencies=[Depends(requires_authenticated())], openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/")
    def home() -> HTMLResponse:
        with home_page.database() as conn:
            return home_page.page("home.html", **_standing(conn))

    @app.get("/gate")
    def gate() -> HTMLResponse:
        return home_page.page("gate.html", **_decided())

    inspector.add(app)
    home_page.explain_outages(app)
    return app


def _standing(conn: "Connection") -> dict[str, Any]:
    """All that the page says, of one moment."""
    from nextpick.settings import load_settings
    from nextpick.store import drift, kpis, pipeline_runs, status, traffic
    from nextpick_airflow import airflow_runs

    today = datetime.now(UTC).date()
    runs = {run.dag: run for run in pipeline_runs.last(conn)}
    return {
        "live": traffic.live(conn),
        "status": status.read(conn, RELEASES),
        "report": next(iter(drift.reports(conn, 1)), None),
        "days": DAYS,
        "counts": kpis.read(conn, today - timedelta(days=DAYS - 1), today),
        "share": _share,
        "broken": _is_broken(kpis.arms(conn, today - timedelta(days=1))),
        "begun": airflow_runs.under_way(FORMS),
        "undone": airflow_runs.undone(FORMS),
        "forms": {dag: (about, runs.pop(dag, None)) for dag, about in FORMS.items()},
        "mlflow": load_settings().mlflow_address,
    }


def _share(taken: int, answers: int) -> Any:
    from nextpick.kpis import share

    return share(taken, answers)


def _is_broken(arms: "list[Arm]") -> bool:
    """Whether users fall so unevenly on the variants that the split is at fault."""
    from nextpick.kpis import SUSPECT, sample_ratio

    likely = sample_ratio(arms)
    return likely is not None and likely < SUSPECT


def _decided() -> dict[str, Any]:
    """The newest version that the gate has decided on, or that was rejected; or why MLflow cannot be asked."""
    from nextpick.errors import NextPickError
    from nextpick.settings import load_settings

    settings, why, versions = load_settings(), "", []
    try:
        versions = _versions(settings)
    except NextPickError as error:
        why = str(error)
    decided = next((one for one in versions if one.gate or one.rejected), None)
    return {"version": decided, "versions": versions, "why": why, "mlflow": settings.mlflow_address}


def _versions(settings: "Settings") -> "list[ModelVersion]":
    """The newest versions. However many look at the page, one asks MLflow, and not all the time.

    Raises: RegistryError where MLflow cannot be asked, or lets another wait.
    """
    from nextpick.errors import RegistryError

    uri = settings.tracking_uri
    if not _asking.acquire(timeout=WAIT_SECONDS):
        raise RegistryError("It has not answered somebody else yet. Load the page again in a while.")
    try:
        from nextpick import registry  # late: importing MLflow costs seconds

        at, found = _told.get(uri, (0.0, []))
        if not at or monotonic() - at > FRESH_SECONDS:
            found = registry.newest(settings, VERSIONS)
            _told.clear()
            _told[uri] = monotonic(), found
    finally:
        _asking.release()
    return found
