"""What routes ask for, by type."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from nextpick.settings import Settings
from serving.access import require_access
from serving.catalogue import Catalogue
from serving.database import Database
from serving.events import EventLog
from serving.follower import Follower
from serving.metrics import Metrics
from serving.recommender import Recommender
from serving.users import Users


@dataclass(frozen=True)
class Service:
    """Everything one app holds while it runs; `app.state.service`."""

    settings: Settings
    database: Database
    follower: Follower
    recommender: Recommender
    events: EventLog
    catalogue: Catalogue
    users: Users
    metrics: Metrics


async def service(request: Request) -> Service:
    """The app's service."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service)]
Access = Depends(require_access)
Serve = Depends(require_access)
Events = Depends(require_access)
Admin = Depends(require_access)
