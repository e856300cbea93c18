"""One variant: the release it answers from, loaded aside and swapped in by one reference."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic

import numpy as np
import structlog
from prometheus_client import Counter

from nextpick import bundle_cache
from nextpick.errors import NextPickError
from nextpick.models import shapley, trees
from nextpick.release import lookup
from nextpick.release.loaded import Loaded
from nextpick.release.rehearsal import rehearse
from nextpick.store import arrays, lists, releases, signing
from nextpick.store.connection import connect
from serving import migrated
from serving.aside import aside
from serving.database import Database

RETRY_SECONDS = 30.0  # at most, between tries to load a release that failed
FIRST_RETRY_SECONDS = 1.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Current:
    """What is served: one release and the items hidden now. Requests take this reference once."""

    loaded: Loaded
    hidden_ids: frozenset[str]
    hidden: np.ndarray
    secret: bytes  # that cursors are signed with


class Arm:
    """Holds `current`; None until a release of the variant is found and loaded. `problem` says why the live one is not
    the one served. `errors` counts releases that could not be loaded, `taken` is called with each that is."""

    def __init__(
        self,
        variant: str,
        database: Database,
        url: str,
        errors: Counter,
        cache: Path,
        taken: Callable[[Loaded], Awaitable[None]] | None = None,
    ) -> None:
        self.current: Current | None = None
        self.problem: str | None = None
        self._variant, self._database, self._url, self._errors = variant, database, url, errors
        self._cache, self._taken = cache, taken
        self._hidden_ids: frozenset[str] = frozenset()  # as last read
        self._loading: asyncio.Task[None] | None = None
        self._failed: tuple[int, float, float] = (0, 0.0, 0.0)  # release, retry at, pause

    def follow(self, release_id: int | None, hidden_ids: frozenset[str]) -> None:
        """Take over the hidden items as they are now; another release is loaded aside, however long that takes."""
        self.problem = None if release_id is None else self.problem
        self._hidden_ids = hidden_ids
        if self.current is not None and self.current.hidden_ids != hidden_ids:
            self.current = _current(self.current.loaded, hidden_ids, self.current.secret)
        idle = self._loading is None or self._loading.done()
        if idle and release_id is not None and (self.current is None or self.current.loaded.release_id != release_id):
            if self.current is None and self.problem is None:
                self.problem = f"Release {release_id} is being loaded, for the first time since this process began."
            self._loading = asyncio.create_task(self._take_over(release_id))

    def let_go(self) -> None:
        """Serve nothing any more."""
        self.current, self.problem = None, None
        self.close()

    async def settled(self) -> None:
        """Wait until a release that is being loaded is taken over, or is not."""
        if self._loading is not None:
            await asyncio.wait({self._loading})

    def close(self) -> None:
        """Wait for no release that is being loaded."""
        if self._loading is not None:
            self._loading.cancel()

    async def _take_over(self, release_id: int) -> None:
        failed_id, retry_at, pause = self._failed
        if failed_id == release_id and monotonic() < retry_at:
            return
        try:
            loaded, secret = await aside(partial(load_and_try, self._url, release_id, self._cache, self._variant))
        except Exception as error:
            pause = min(pause * 2, RETRY_SECONDS) if failed_id == release_id else FIRST_RETRY_SECONDS
            self._failed = (release_id, monotonic() + pause, pause)
            shown = str(error) if isinstance(error, NextPickError) else type(error).__name__
            lacks = await migrated.lacking(self._database) if isinstance(error, migrated.LACKING) else None
            self.problem = lacks.detail if lacks else f"release {release_id} cannot be served: {shown}"
            self._errors.inc()
            log.exception("release not taken over; the old one serves on", release=release_id)
            return
        self.current, self.problem = _current(loaded, self._hidden_ids, secret), None
        if not trees.at_hand():  # until it is, requests are answered slower, and no release waits for a compiler
            Thread(target=_compile, name="compiling", daemon=True).start()
        gc.freeze()  # a release is millions of objects that stay: no use to look through them again and again
        log.info("release taken over", release=release_id, model_version=loaded.model_version, variant=self._variant)
        if self._taken is not None:
            await self._taken(loaded)


def _compile() -> None:
    trees.compiled()
    shapley.compiled()


def _current(loaded: Loaded, hidden_ids: frozenset[str], secret: bytes) -> Current:
    return Current(loaded, hidden_ids, lookup.hidden_mask(loaded.items, hidden_ids), secret)


def load_and_try(
    url: str, release_id: int, cache: Path | None = None, variant: str = releases.VARIANT
) -> tuple[Loaded, bytes]:
    """Load a release, and try it out; and the key of cursors. Runs in a thread. Raises: NextPickError."""
    with connect(url) as conn:
        release = releases.get(conn, release_id, variant)
    folder = bundle_cache.folder(release.bundle_uri, release.bundle_sha256, cache)  # may take long: in no transaction
    with connect(url) as conn:
        arrays.register(conn)
        loaded = lookup.load(conn, replace(release, bundle_uri=str(folder)))
        first = lists.first(conn, release_id)
        secret = signing.secret(conn)
    rehearse(loaded, None if first is None else lookup.parse(loaded, first[1:])[0])
    return loaded, secret
