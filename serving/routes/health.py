"""GET /health/live, /health/ready, /metrics: for machines that watch; they hold no ids and need no key."""

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving import migrated
from serving.aside import aside
from serving.database import Database, Unavailable
from serving.dependencies import ServiceDep
from serving.schemas import HealthOut

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=HealthOut)
async def live() -> Response:
    """The process answers."""
    return _answer(HealthOut(status="live"), 200)


@router.get("/health/ready", response_model=HealthOut, responses={503: {"model": HealthOut}})
async def ready(service: ServiceDep) -> Response:
    """A release is loaded, the database answers and is migrated; 503 with the reasons where not."""
    current = service.follower.current
    database, reasons = await _database(service.database)
    if current is None and not reasons:
        reasons = [service.follower.problem or "no release is live yet: publish one"]
    health = HealthOut(
        status="not ready" if reasons else "ready",
        release=current.loaded.release_id if current else None,
        database=database,
        reasons=reasons,
    )
    return _answer(health, 503 if reasons else 200)


async def _database(database: Database) -> tuple[str, list[str]]:
    """How the database does, in a word, and what is wrong with it."""
    try:
        fault = await migrated.fault(database)
    except Unavailable as error:
        return "away", [f"the database does not answer ({error})"]
    return ("answers", []) if fault is None else ("not migrated", [fault])


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """Prometheus exposition; of all workers, whichever is asked."""
    return Response(await aside(service.metrics.text), media_type=CONTENT_TYPE_LATEST)


def _answer(health: HealthOut, status: int) -> Response:
    return Response(orjson.dumps(health.model_dump(exclude_none=True)), status, media_type="application/json")
