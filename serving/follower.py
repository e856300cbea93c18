"""Follow the live pointer, told by Postgres and by polling, and say which release answers whom."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import structlog

from nextpick.release.arm import is_challengers
from nextpick.release.loaded import Loaded
from nextpick.store import releases, sql, traffic
from serving import migrated
from serving.arm import Arm, Current
from serving.database import Database, Unavailable
from serving.metrics import Metrics
from serving.problems import Problem

POLL_SECONDS = 1.0
POLL_DEADLINE = 2.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Split:
    """Whose the challenger's answers are; see `is_challengers`."""

    share: float
    shadow: bool
    salt: str


class Follower:
    """Holds what is served by default, `current`, None until the first release is found; and the challenger beside it
    while traffic is split."""

    def __init__(self, database: Database, url: str, metrics: Metrics, cache: Path) -> None:
        self._database, self._url, self._metrics = database, url, metrics
        queries = sql.load("releases")
        self._query, self._measure, self._hear = queries["follow"], queries["measure"], queries["listen"]
        self._polling = asyncio.Lock()
        self._default = Arm(releases.VARIANT, database, url, metrics.release_errors, cache, self._tell)
        self._challenger = Arm(traffic.CHALLENGER, database, url, metrics.challenger_errors, cache)
        self._split: Split | None = None
        self._lacking: str | None = None

    @property
    def current(self) -> Current | None:
        """What answers everybody, or all but the challenger's users."""
        return self._default.current

    @property
    def problem(self) -> str | None:
        """Why the live release is not the one served."""
        return self._lacking or self._default.problem

    def served(self, user_id: str | None = None, scenario: str | None = None) -> Current:
        """What answers this user; for a scenario that only the default release knows that one. Raises: Problem 503
        before the first release."""
        challenger = self._challenged(user_id, shadow=False)
        if challenger is not None and (scenario is None or scenario in challenger.loaded.scenarios):
            return challenger
        if self.current is None:
            raise Problem(
                503,
                "no-release",
                self.problem or "No release is live yet. Publish one: `nextpick publish`, or the DAG precompute.",
                headers={"Retry-After": "5"},
            )
        return self.current

    def shadow(self, user_id: str | None) -> Current | None:
        """The challenger that is to be asked too, and shown to nobody; None for most users, and while there is none."""
        return self._challenged(user_id, shadow=True)

    def _challenged(self, user_id: str | None, shadow: bool) -> Current | None:
        split = self._split
        if split is None or split.shadow != shadow or not is_challengers(user_id, split.salt, split.share):
            return None
        return self._challenger.current

    async def run(self) -> None:
        """Poll until cancelled: each second, and when a flip or a change of items is told."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                while True:
                    await self.look()
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            self._default.close()
            self._challenger.close()

    async def _listen(self) -> None:
        """Being told saves up to a second; a connection that is lost, or hangs unnoticed, costs no more than that."""
        while True:
            with suppress(psycopg.Error):
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=3, application_name="nextpick-api-listens"
                ) as conn:
                    await conn.execute(self._hear)
                    async for _ in conn.notifies():
                        await self.look()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Look once, and wait until new releases that are found are taken over, or are not. Never raises."""
        await self.look()
        await self._default.settled()
        await self._challenger.settled()

    async def look(self) -> None:
        """Take over the hidden items and the split as they are now; a new release is loaded aside."""
        async with self._polling:
            await self._look()

    async def _look(self) -> None:
        variants = {"variant": releases.VARIANT, "challenger": traffic.CHALLENGER}
        try:
            row = await self._database.fetch_one(self._query, variants, POLL_DEADLINE)
        except Unavailable:
            self._metrics.follow_errors.inc()
            return
        except Exception as error:
            self._metrics.follow_errors.inc()
            if not await self._lacks(error):
                log.exception("cannot read the live pointer")
            return
        release_id, hidden_ids, challenger_id, *split = row or (None, (), None)
        self._lacking = None
        self._default.follow(release_id, frozenset(hidden_ids))
        if challenger_id is None:
            self._split = None
            self._challenger.let_go()
        else:
            wanted = Split(*split)
            if self._split is not None and self._split.salt != wanted.salt:
                self._challenger.let_go()  # another model's users: the one before answers none of them
            self._split = wanted
            self._challenger.follow(challenger_id, frozenset(hidden_ids))

    async def _lacks(self, error: Exception) -> bool:
        """Whether the schema is too old for the live pointer to be read; `problem` says so, and once the log."""
        lacks = await migrated.lacking(self._database) if isinstance(error, migrated.LACKING) else None
        if lacks is not None and lacks.detail != self._lacking:
            self._lacking = lacks.detail
            log.error("cannot read the live pointer", reason=lacks.detail)
        return lacks is not None

    async def _tell(self, loaded: Loaded) -> None:
        """Figures of the release that answers by default."""
        self._metrics.release.set(loaded.release_id)
        self._metrics.release_cutoff.set(loaded.cutoff / 1e6)
        with suppress(Unavailable, psycopg.Error):  # figures, no more
            row = await self._database.fetch_one(self._measure, {"release_id": loaded.release_id}, POLL_DEADLINE)
            if row is not None:
                self._metrics.release_users.set(row[0])
                self._metrics.release_bytes.set(row[1])
