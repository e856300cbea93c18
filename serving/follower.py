"""Follow the live pointer, told by Postgres and by polling: load the release it names, try it, swap one reference."""

import asyncio
import gc
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic

import numpy as np
import psycopg
import structlog

from nextpick import bundle_cache
from nextpick.errors import NextPickError
from nextpick.models import shapley, trees
from nextpick.release import lookup
from nextpick.release.loaded import Loaded
from nextpick.release.rehearsal import rehearse
from nextpick.store import arrays, lists, releases, signing, sql
from nextpick.store.connection import connect
from serving import migrated
from serving.aside import aside
from serving.database import Database, Unavailable
from serving.metrics import Metrics
from serving.problems import Problem

POLL_SECONDS = 1.0
POLL_DEADLINE = 2.0
RETRY_SECONDS = 30.0  # at most, between tries to load a release that failed
log = structlog.get_logger()


@dataclass(frozen=True)
class Current:
    """What is served: one release and the items hidden now. Requests take this reference once."""

    loaded: Loaded
    hidden_ids: frozenset[str]
    hidden: np.ndarray
    secret: bytes  # that cursors are signed with


class Follower:
    """Holds `current`; None until the first release is found."""

    def __init__(self, database: Database, url: str, metrics: Metrics, cache: Path) -> None:
        self.current: Current | None = None
        self.problem: str | None = None  # why the live release is not the one served
        self._database, self._url, self._metrics, self._cache = database, url, metrics, cache
        queries = sql.load("releases")
        self._query, self._measure, self._hear = queries["follow"], queries["measure"], queries["listen"]
        self._polling = asyncio.Lock()
        self._hidden_ids: frozenset[str] = frozenset()  # as last read
        self._loading: asyncio.Task[None] | None = None
        self._failed: tuple[int, float, float] = (0, 0.0, 0.0)  # release, retry at, pause

    def served(self) -> Current:
        """What is served. Raises: Problem 503 before the first release."""
        if self.current is None:
            raise Problem(
                503,
                "no-release",
                self.problem or "No release is live yet. Publish one: `nextpick publish`, or the DAG precompute.",
                headers={"Retry-After": "5"},
            )
        return self.current

    async def run(self) -> None:
        """Poll until cancelled: each second, and when a flip or a change of items is told."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                while True:
                    await self.look()
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            if self._loading is not None:
                self._loading.cancel()

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
        """Look once, and wait until a new release that is found is taken over, or is not. Never raises."""
        await self.look()
        if self._loading is not None:
            await asyncio.wait({self._loading})

    async def look(self) -> None:
        """Take over the hidden items as they are now; a new release is loaded aside, however long that takes."""
        async with self._polling:
            await self._look()

    async def _look(self) -> None:
        try:
            row = await self._database.fetch_one(self._query, {"variant": releases.VARIANT}, POLL_DEADLINE)
        except Unavailable:
            self._metrics.follow_errors.inc()
            return
        except Exception as error:
            self._metrics.follow_errors.inc()
            if not await self._lacks(error):
                log.exception("cannot read the live pointer")
            return
        release_id, hidden_ids = (row[0], frozenset(row[1])) if row else (None, frozenset())
        self.problem = None if release_id is None else self.problem
        self._hidden_ids = hidden_ids
        if self.current is not None and self.current.hidden_ids != hidden_ids:
            self.current = _current(self.current.loaded, hidden_ids, self.current.secret)
        idle = self._loading is None or self._loading.done()
        if idle and release_id is not None and (self.current is None or self.current.loaded.release_id != release_id):
            if self.current is None and self.problem is None:
                self.problem = f"Release {release_id} is being loaded, for the first time since this process began."
            self._loading = asyncio.create_task(self._take_over(release_id))

    async def _lacks(self, error: Exception) -> bool:
        """Whether the schema is too old for the live pointer to be read; `problem` says so, and once the log."""
        lacks = await migrated.lacking(self._database) if isinstance(error, migrated.LACKING) else None
        if lacks is not None and lacks.detail != self.problem:
            self.problem = lacks.detail
            log.error("cannot read the live pointer", reason=lacks.detail)
        return lacks is not None

    async def _take_over(self, release_id: int) -> None:
        failed_id, retry_at, pause = self._failed
        if failed_id == release_id and monotonic() < retry_at:
            return
        try:
            loaded, secret = await aside(partial(load_and_try, self._url, release_id, self._cache))
        except Exception as error:
            pause = min(pause * 2, RETRY_SECONDS) if failed_id == release_id else POLL_SECONDS
            self._failed = (release_id, monotonic() + pause, pause)
            shown = str(error) if isinstance(error, NextPickError) else type(error).__name__
            lacks = await migrated.lacking(self._database) if isinstance(error, migrated.LACKING) else None
            self.problem = lacks.detail if lacks else f"release {release_id} cannot be served: {shown}"
            self._metrics.release_errors.inc()
            log.exception("release not taken over; the old one serves on", release=release_id)
            return
        self.current, self.problem = _current(loaded, self._hidden_ids, secret), None
        self._metrics.release.set(release_id)
        self._metrics.release_cutoff.set(loaded.cutoff / 1e6)
        if not trees.at_hand():  # until it is, requests are answered slower, and no release waits for a compiler
            Thread(target=_compile, name="compiling", daemon=True).start()
        gc.freeze()  # a release is millions of objects that stay: no use to look through them again and again
        log.info("release taken over", release=release_id, model_version=loaded.model_version)
        with suppress(Unavailable, psycopg.Error):  # figures, no more
            row = await self._database.fetch_one(self._measure, {"release_id": release_id}, POLL_DEADLINE)
            if row is not None:
                self._metrics.release_users.set(row[0])
                self._metrics.release_bytes.set(row[1])


def _compile() -> None:
    trees.compiled()
    shapley.compiled()


def _current(loaded: Loaded, hidden_ids: frozenset[str], secret: bytes) -> Current:
    return Current(loaded, hidden_ids, lookup.hidden_mask(loaded.items, hidden_ids), secret)


def load_and_try(url: str, release_id: int, cache: Path | None = None) -> tuple[Loaded, bytes]:
    """Load a release, and try it out; and the key of cursors. Runs in a thread. Raises: NextPickError."""
    with connect(url) as conn:
        release = releases.get(conn, release_id)
    folder = bundle_cache.folder(release.bundle_uri, release.bundle_sha256, cache)  # may take long: in no transaction
    with connect(url) as conn:
        arrays.register(conn)
        loaded = lookup.load(conn, replace(release, bundle_uri=str(folder)))
        first = lists.first(conn, release_id)
        secret = signing.secret(conn)
    rehearse(loaded, None if first is None else lookup.parse(loaded, first[1:])[0])
    return loaded, secret
