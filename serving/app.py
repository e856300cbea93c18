"""The application: `uvicorn serving.app:create_app --factory`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from nextpick import __version__
from nextpick.settings import Settings, load_settings
from serving import logs, migrated, openapi, problems, shared
from serving.catalogue import Catalogue
from serving.database import Database
from serving.dependencies import Service
from serving.edge import Edge
from serving.events import EventLog
from serving.follower import Follower
from serving.impressions import ImpressionLog
from serving.keyring import Keyring
from serving.load import Load
from serving.metrics import Metrics
from serving.recommender import Recommender
from serving.routes import events, health, items, popular, recommend, releases, users
from serving.standing import Standing
from serving.users import Users
from serving.watched import Watched

# A busy loop looks at what came on each of its connections once a round: with few, answers wait for many rounds.
ANSWERING = 8
DESCRIPTION = "Recommendations re-scored at request time: ask `/recommend`, tell `/events` what came of it."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app for these settings, or for the environment's. Nothing is opened before it starts.

    Raises: ConfigError where no database is set.
    """
    logs.configure()
    settings = settings or load_settings()
    url = settings.database()
    metrics = Metrics(shared.folder())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Answers have connections of their own: what waits for a lock elsewhere takes none from them.
        database, answering = Database(url), Database(url, ANSWERING)
        impressions, load = ImpressionLog(database, metrics), Load()
        service = _assembled(settings, url, metrics, database, answering, impressions, load)
        app.state.service = service
        await asyncio.gather(database.open(), answering.open())
        writing = asyncio.create_task(impressions.run())
        told = _told(url, metrics, load, service.recommender, (database, answering))
        runs = service.follower.run, service.keyring.run, load.watch, *told
        following = [asyncio.create_task(run()) for run in runs]
        try:
            yield
        finally:
            for task in following:
                task.cancel()
            await asyncio.wait(following)  # one that failed is no reason to leave anything open
            service.recommender.close()
            await impressions.close(writing)
            await asyncio.gather(database.close(), answering.close())

    app = FastAPI(title="NextPick", version=__version__, lifespan=lifespan, description=DESCRIPTION)
    app.add_middleware(Edge, metrics=metrics)
    problems.install(app)
    migrated.install(app)
    openapi.install(app)
    for route in (recommend, items, popular, events, users, releases, health):
        app.include_router(route.router)
    return app


def _told(
    url: str, metrics: Metrics, load: Load, recommender: Recommender, databases: tuple[Database, Database]
) -> Iterator[Callable[[], Coroutine[Any, Any, None]]]:
    """What keeps /metrics up to date besides the requests."""
    for one in (Standing(url, metrics), Watched(metrics, load, recommender, databases)):
        yield one.run


def _assembled(
    settings: Settings,
    url: str,
    metrics: Metrics,
    database: Database,
    answering: Database,
    impressions: ImpressionLog,
    load: Load,
) -> Service:
    follower = Follower(answering, url, metrics, settings.bundle_cache_folder)
    return Service(
        settings=settings,
        database=database,
        keyring=Keyring(answering, settings, metrics),
        follower=follower,
        recommender=Recommender(answering, follower, impressions, metrics, load),
        events=EventLog(database, metrics),
        catalogue=Catalogue(database, follower),
        users=Users(settings, database, follower, impressions),
        metrics=metrics,
    )
