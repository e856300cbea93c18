"""What is known of one user, and forgetting it."""

import asyncio
from typing import Any

import psycopg
import structlog

from nextpick.errors import ConfigError
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.store import erasure, sql
from nextpick.store.connection import connect
from nextpick.store.erasure import Receipt
from serving.database import Database, Unavailable
from serving.follower import Follower
from serving.impressions import ImpressionLog
from serving.problems import Problem, away

_SQL = sql.load("users")
log = structlog.get_logger()


class Users:
    """Reads and erases, one user a call."""

    def __init__(self, settings: Settings, database: Database, follower: Follower, impressions: ImpressionLog) -> None:
        self._settings, self._database, self._follower = settings, database, follower
        self._impressions = impressions

    async def describe(self, user_id: str) -> dict[str, Any]:
        """The body of UserOut. Raises: Problem 404 for one of whom nothing is known, 503 while the database is away."""
        current = self._follower.current
        release = current.loaded.release_id if current else None
        try:
            row = await self._database.fetch_one(_SQL["describe"], {"user_id": user_id, "release_id": release})
        except Unavailable as error:
            raise away("The user was not read.") from error
        if row is None or (not row[0] and row[4] is None):
            raise Problem(404, "unknown-user", f"Nothing is known of a user {user_id!r}.")
        events, first_at, last_at, kinds, listed = row
        return {
            "user_id": user_id,
            "events": events,
            "first_event_at": first_at,
            "last_event_at": last_at,
            "kinds": kinds,
            "release": release,
            "listed": listed,
        }

    async def erase(self, user_id: str) -> dict[str, Any]:
        """The body of ErasedOut. Raises: Problem 503 where it is not known to be done; doing it again is safe."""
        try:
            receipt = await asyncio.to_thread(self._forget, user_id)
            self._impressions.forget(user_id)
        except psycopg.OperationalError as error:
            raise away("The user is not known to be erased; send the request again.") from error
        log.info("a user was erased", **receipt.gone.counts)
        return {
            "user_id": user_id,
            "erased_at": receipt.gone.erased_at,
            "deleted": receipt.gone.counts,
            "copies_until": receipt.copies_until,
            "receipt": receipt.lines(),
        }

    def _forget(self, user_id: str) -> Receipt:
        with connect(self._settings.database()) as conn:
            return erasure.forget(conn, user_id, self._copies_days())

    def _copies_days(self) -> int:
        try:
            return load_params(self._settings.project / "params.yaml").retention.erased_days
        except ConfigError:  # an image without the project: what the live bundle was made with
            current = self._follower.current
            if current is None:
                raise
            return current.loaded.bundle.params.retention.erased_days
