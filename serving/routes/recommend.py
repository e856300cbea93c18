"""POST /recommend."""

import orjson
from fastapi import APIRouter, Response

from serving.bodies import StrictRoute
from serving.dependencies import Serve, ServiceDep
from serving.schemas import ProblemOut, RecommendIn, RecommendOut

router = APIRouter(tags=["recommend"], dependencies=[Serve], route_class=StrictRoute)
ERRORS: dict[int | str, dict[str, object]] = {
    code: {"model": ProblemOut} for code in (400, 401, 403, 413, 422, 429, 503)
}


@router.post("/recommend", response_model=RecommendOut, responses=ERRORS)
async def recommend(wanted: RecommendIn, service: ServiceDep) -> Response:
    """The best items for a user, re-scored now against what the user did a moment ago.

    A user nobody knows gets popular items, with `source` saying so. Never empty while an item may be shown.
    """
    body = await service.recommender.recommend(wanted.user_id, wanted.top_k)
    return Response(orjson.dumps(body), media_type="application/json")
