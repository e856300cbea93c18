"""PUT /items, GET /items/{id}, GET /items/{id}/similar."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from serving import paths
from serving.bodies import StrictRoute
from serving.dependencies import Admin, Serve, ServiceDep
from serving.item_schemas import CatalogueItemOut, ItemsBody, ItemsIn, ItemsOut, ListedOut
from serving.routes.recommend import ERRORS
from serving.schemas import Id, ProblemOut

router = APIRouter(tags=["items"], route_class=StrictRoute)
NOT_FOUND: dict[int | str, dict[str, object]] = {404: {"model": ProblemOut}}
ItemId = Annotated[Id, Path(examples=["85123A"])]
SIMILAR = b"/similar"  # as it ends the path before anything is decoded
TopK = Annotated[int, Query(ge=1, le=100, description="how many items", examples=[5])]


@router.put("/items", response_model=ItemsOut, responses=ERRORS, dependencies=[Admin])
async def put_items(sent: ItemsBody, service: ServiceDep) -> Response:
    """Add or change one item, or `{"items": [...]}` with up to 1000, all or none; they are durable when this answers.

    What an item does not name stays as it is. A hidden item is in no answer from then on. A new item is recommended
    from the release on that knows it.
    """
    batch = isinstance(sent, ItemsIn)
    stored = await service.catalogue.put(sent.items if isinstance(sent, ItemsIn) else [sent], batch=batch)
    return Response(orjson.dumps(stored.model_dump()), media_type="application/json")


@router.get(f"{paths.ITEM}/similar", response_model=ListedOut, responses=ERRORS | NOT_FOUND, dependencies=[Serve])
async def similar(item_id: ItemId, service: ServiceDep, request: Request, top_k: TopK = 10) -> Response:
    """Items nearest to one, by what people have in common who took both; then what is popular in its category."""
    if not (request.scope.get("raw_path") or SIMILAR).endswith(SIMILAR):  # sent as %2Fsimilar, it is the end of the id
        return await item(f"{item_id}/similar", service)
    body = await service.catalogue.similar(item_id, top_k)
    return Response(orjson.dumps(body), media_type="application/json")


@router.get(paths.ITEM, response_model=CatalogueItemOut, responses=ERRORS | NOT_FOUND, dependencies=[Serve])
async def item(item_id: ItemId, service: ServiceDep) -> Response:
    """An item as the catalogue has it now."""
    return Response(orjson.dumps(await service.catalogue.item(item_id)), media_type="application/json")
