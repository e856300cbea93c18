"""GET /popular."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Response

from serving.dependencies import Serve, ServiceDep
from serving.item_schemas import ListedOut
from serving.routes.items import NOT_FOUND, TopK
from serving.routes.recommend import ERRORS
from serving.schemas import Id

router = APIRouter(tags=["items"], dependencies=[Serve])
Order = Literal["popular", "trending", "latest"]


@router.get("/popular", response_model=ListedOut, responses=ERRORS | NOT_FOUND)
async def popular(
    service: ServiceDep,
    order: Annotated[
        Order, Query(description="most taken this week; gaining on the month; newest first", examples=["trending"])
    ] = "popular",
    category: Annotated[Id | None, Query(description="only items of this category", examples=["Bags"])] = None,
    top_k: TopK = 10,
) -> Response:
    """A chart of the live release, without what is hidden now."""
    return Response(orjson.dumps(service.catalogue.chart(order, category, top_k)), media_type="application/json")
