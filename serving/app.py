"""The application: `uvicorn serving.app:create_app --factory`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from nextpick import __version__
from nextpick.settings import Settings, load_settings
from serving import logs, problems
from serving.catalogue import Catalogue
from serving.database import Database
from serving.dependencies import Service
from serving.edge import Edge
from serving.events import EventLog
from serving.follower import Follower
from serving.impressions import ImpressionLog
from serving.metrics import Metrics
from serving.recommender import Recommender
from serving.routes import events, health, items, popular, recommend, releases, users
from serving.users import Users

DESCRIPTION = "Recommendations re-scored at request time: ask `/recommend`, tell `/events` what came of it."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app for these settings, or for the environment's. Nothing is opened before it starts.

    Raises: ConfigError where no database is set.
    """
    logs.configure()
    settings = settings or load_settings()
    url = settings.database()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(url)
        follower = Follower(database, url, metrics)
        impressions = ImpressionLog(database, metrics)
        recommender = Recommender(database, follower, impressions, metrics)
        app.state.service = Service(
            settings=settings,
            database=database,
            follower=follower,
            recommender=recommender,
            events=EventLog(database, metrics),
            catalogue=Catalogue(database, follower),
            users=Users(settings, database, follower),
            metrics=metrics,
        )
        await database.open()
        following, writing = asyncio.create_task(follower.run()), asyncio.create_task(impressions.run())
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await impressions.close(writing)
            await database.close()

    app = FastAPI(title="NextPick", version=__version__, lifespan=lifespan, description=DESCRIPTION)
    app.add_middleware(Edge, metrics=metrics)
    problems.install(app)
    for route in (recommend, items, popular, events, users, releases, health):
        app.include_router(route.router)
    return app
