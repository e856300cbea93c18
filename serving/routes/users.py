"""GET and DELETE /users/{id}."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Response

from serving import paths
from serving.dependencies import Admin, ServiceDep
from serving.routes.items import NOT_FOUND
from serving.routes.recommend import ERRORS
from serving.schemas import ErasedOut, Id, UserOut

UserId = Annotated[Id, Path(examples=["17850"])]
router = APIRouter(tags=["users"], dependencies=[Admin])


@router.get(paths.USER, response_model=UserOut, responses=ERRORS | NOT_FOUND)
async def user(user_id: UserId, service: ServiceDep) -> Response:
    """What is known of a user."""
    return Response(orjson.dumps(await service.users.describe(user_id)), media_type="application/json")


@router.delete(paths.USER, response_model=ErasedOut, responses=ERRORS)
async def erase(user_id: UserId, service: ServiceDep) -> Response:
    """Forget a user: unknown to every answer, list and training when this answers, and a receipt of what went.

    Who is unknown, or was erased before, is erased all the same, so that nothing late brings the user back.
    """
    return Response(orjson.dumps(await service.users.erase(user_id)), media_type="application/json")
