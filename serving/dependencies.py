"""What routes ask for, by type."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from nextpick.keys import Scope
from nextpick.settings import Settings
from serving.access import Requires
from serving.catalogue import Catalogue
from serving.database import Database
from serving.events import EventLog
from serving.follower import Follower
from serving.keyring import Keyring
from serving.metrics import Metrics
from serving.recommender import Recommender
from serving.users import Users


@dataclass(frozen=True)
class Service:
    """Everything one app holds while it runs; `app.state.service`."""

    settings: Settings
    database: Database
    keyring: Keyring
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
Serve = Depends(Requires(Scope.SERVE))
Events = Depends(Requires(Scope.EVENTS))
Admin = Depends(Requires(Scope.ADMIN))
