"""GET /releases/current."""

from datetime import UTC, datetime

import orjson
from fastapi import APIRouter, Response

from serving.dependencies import Serve, ServiceDep
from serving.routes.recommend import ERRORS
from serving.schemas import ReleaseOut

router = APIRouter(tags=["releases"], dependencies=[Serve])


@router.get("/releases/current", response_model=ReleaseOut, responses=ERRORS)
async def current(service: ServiceDep) -> Response:
    """The release that this process answers from."""
    loaded = service.follower.served().loaded
    body = ReleaseOut(
        release=loaded.release_id,
        model_version=loaded.model_version,
        variant=loaded.variant,
        cutoff=datetime.fromtimestamp(loaded.cutoff / 1e6, UTC),
        items=len(loaded.items),
        generators=list(loaded.bundle.generators),
        seen_policy=loaded.seen_policy,
    )
    return Response(orjson.dumps(body.model_dump()), media_type="application/json")
