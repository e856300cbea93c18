"""POST /recommend and /rank."""

import orjson
from fastapi import APIRouter, Response

from serving.bodies import StrictRoute
from serving.dependencies import Serve, ServiceDep
from serving.recommend_schemas import RankIn, RankOut, RecommendIn, RecommendOut
from serving.schemas import ProblemOut

router = APIRouter(tags=["recommend"], dependencies=[Serve], route_class=StrictRoute)
ERRORS: dict[int | str, dict[str, object]] = {
    code: {"model": ProblemOut} for code in (400, 401, 403, 413, 422, 429, 503)
}


@router.post("/recommend", response_model=RecommendOut, responses=ERRORS)
async def recommend(wanted: RecommendIn, service: ServiceDep) -> Response:
    """The best items for a user, re-scored now against what the user did a moment ago.

    Somebody the release does not know gets what fits the events since, or the session's items; before there are any,
    popular items. `source` says so. Filters and ids to leave out narrow it; it is short only where no more such items
    exist. The `cursor` of an answer asks for the next page: nothing comes twice, whatever is published in between.
    """
    body = await service.recommender.recommend(wanted)
    return Response(orjson.dumps(body), media_type="application/json")


@router.post("/rank", response_model=RankOut, responses=ERRORS)
async def rank(wanted: RankIn, service: ServiceDep) -> Response:
    """Put up to 500 items of yours into the user's order. None is left out: hidden and unknown ones come last."""
    body = await service.recommender.rank(wanted)
    return Response(orjson.dumps(body), media_type="application/json")
