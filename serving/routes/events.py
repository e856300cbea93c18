"""POST /events."""

import orjson
from fastapi import APIRouter, Response

from serving.bodies import StrictRoute
from serving.dependencies import Events, ServiceDep
from serving.routes.recommend import ERRORS
from serving.schemas import EventsBody, EventsIn, EventsOut

router = APIRouter(tags=["events"], dependencies=[Events], route_class=StrictRoute)


@router.post("/events", response_model=EventsOut, responses=ERRORS)
async def add_events(sent: EventsBody, service: ServiceDep) -> Response:
    """Store one event, or `{"events": [...]}` with up to 1000; they are durable when this answers.

    The next `/recommend` of the user takes them into account; one that is over 15 minutes late may have to wait for the
    next release. An `event_id` makes sending again safe.
    """
    batch = isinstance(sent, EventsIn)
    stored = await service.events.add(sent.events if isinstance(sent, EventsIn) else [sent], batch=batch)
    return Response(orjson.dumps(stored.model_dump()), media_type="application/json")
