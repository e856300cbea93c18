"""GET /health/live, /health/ready, /metrics: for machines that watch; they hold no ids and need no key."""

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.database import Unavailable
from serving.dependencies import ServiceDep
from serving.schemas import HealthOut

router = APIRouter(tags=["health"])
PING_SECONDS = 1.0


@router.get("/health/live", response_model=HealthOut)
async def live() -> Response:
    """The process answers."""
    return _answer(HealthOut(status="live"), 200)


@router.get("/health/ready", response_model=HealthOut, responses={503: {"model": HealthOut}})
async def ready(service: ServiceDep) -> Response:
    """A release is loaded and the database answers; 503 with the reasons where not."""
    reasons = []
    current = service.follower.current
    if current is None:
        reasons.append(service.follower.problem or "no release is live yet: publish one")
    try:
        await service.database.fetch_one("SELECT 1", None, PING_SECONDS)
    except Unavailable as error:
        reasons.append(f"the database does not answer ({error})")
    health = HealthOut(
        status="not ready" if reasons else "ready",
        release=current.loaded.release_id if current else None,
        database="away" if any("database" in reason for reason in reasons) else "answers",
        reasons=reasons,
    )
    return _answer(health, 503 if reasons else 200)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """Prometheus exposition."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _answer(health: HealthOut, status: int) -> Response:
    return Response(orjson.dumps(health.model_dump(exclude_none=True)), status, media_type="application/json")
