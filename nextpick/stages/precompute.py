"""Stage: a release is built from one model version and what Postgres knows now: planned, filled by blocks, finished.

`plan` and `finish` are one process's; `fill` may run for several blocks at once, wherever Postgres and the folder of
bundles can be reached. Each may be run again: what is done is not done again.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import psycopg
import structlog

from nextpick import bundle_cache, bundle_store
from nextpick.params import load_params
from nextpick.release import publish
from nextpick.settings import Settings
from nextpick.stages.progress import bar
from nextpick.store import blocks, partitions
from nextpick.store.building import Building
from nextpick.store.transactions import room, step_by_step, with_lock_retry

if TYPE_CHECKING:  # of the three steps the last needs none of it, and importing it costs seconds
    from nextpick.release.draft import ModelVersion
    from nextpick.release.list_block import ListBlock
    from nextpick.release.source import Source

USERS_PER_BLOCK = 20_000
RECALL_USERS = 256  # of the first block that a process fills, whose exact candidates are looked for, too
LOG_SECONDS = 10.0  # between progress lines where there is no terminal
log = structlog.get_logger()


@dataclass(frozen=True)
class Plan:
    """A release in the making, its blocks that are still to be filled, and by how many tasks at most."""

    release_id: int
    blocks: tuple[int, ...]
    tasks: int = 1

    def shards(self) -> list[list[int]]:
        """The blocks dealt out to the tasks, and to one at least, which may find nothing to do."""
        return [list(self.blocks[first :: self.tasks]) for first in range(max(1, min(self.tasks, len(self.blocks))))]


def plan(conn: psycopg.Connection, settings: Settings, *, version: str | None, run_id: str) -> Plan | None:
    """Begin a release of the champion or of the version that is named, or go on with one that `run_id` or a dead run
    left half-built; None where no version is named and there is no champion yet.

    Whoever waits for another run asks afterwards who the champion is, so that no older one goes live after it.

    Raises: RegistryError; BundleError; DataError; StoreError (see `begin`).
    """
    from nextpick import registry  # late, as finishing needs no MLflow
    from nextpick.stages import settle

    with step_by_step(conn, "A publish"), publish.turn(conn, run_id):
        settle.run(conn, settings)
        found = registry.get(settings, version) if version else registry.champion(settings)
        if found is None:
            return None
        chosen = load_params(settings.project / "params.yaml").publish
        store = settings.bundle_store
        uri = bundle_store.put(store, found.bundle_dir, found.bundle_sha256) if store else None
        begun = begin(conn, found, run_id=run_id, users_per_block=chosen.users_per_block, bundle_uri=uri)
        return replace(begun, tasks=chosen.tasks)


def begin(
    conn: psycopg.Connection,
    version: "ModelVersion",
    *,
    run_id: str,
    cutoff: datetime | None = None,
    users_per_block: int = USERS_PER_BLOCK,
    bundle_uri: str | None = None,
) -> Plan:
    """Begin a release of `version`, or go on with a half-built one of it, whose lists know every event before `cutoff`
    that has come in by now; by default see `newest_cutoff`. `bundle_uri` as of `draft`.

    Raises: BundleError where the bundle is not the registered one; DataError where there are no events or items;
    StoreError where another run is at it, a lock is in the way or the disk is full.
    """
    from nextpick.release import draft

    with step_by_step(conn, "A publish"), publish.turn(conn, run_id) as half_built:
        _make_partitions(conn, datetime.now(UTC))
        cutoff = cutoff or draft.newest_cutoff(conn)
        release_id = publish.resume(conn, half_built, run_id, version.bundle_sha256, cutoff, log.info)
        if release_id is None:
            with room("a new release is not planned"):  # Postgres sorts all events there
                made = draft.draft(
                    conn,
                    version,
                    run_id=run_id,
                    cutoff=cutoff,
                    users_per_block=users_per_block,
                    bundle_uri=bundle_uri,
                )
            release_id = publish.begin(conn, made)
        left = blocks.to_do(conn, release_id)
        log.info("planned", release=release_id, blocks=len(left), users=sum(left.values()))
        return Plan(release_id, tuple(left))


def fill(conn: psycopg.Connection, release_id: int, *wanted: int, cache: Path | None = None) -> None:
    """Compute and write the lists of these blocks, each in a transaction; one that is done is not done again. `cache`:
    where a bundle from an object store is kept.

    Raises: BundleError where the bundle cannot be had here; StoreError where the release was given up, another process
    fills a block, or the disk is full.
    """
    sources: list[Source] = []
    with step_by_step(conn, "A block"):
        left = blocks.to_do(conn, release_id)
    users = sum(left.get(block, 0) for block in wanted)
    with _progress(users) as advance:

        def make(release: Building, user_ids: tuple[str, ...]) -> "Iterator[ListBlock]":
            from nextpick.release.source import Source

            if not sources:
                here = bundle_cache.folder(release.bundle_uri, release.bundle_sha256, cache)
                sources.append(Source.of(conn, replace(release, bundle_uri=str(here))))
                some = user_ids[:RECALL_USERS]
                for generator, share in sources[0].recalls(conn, some).items():
                    log.info("approximate index", generator=generator, recall=round(share, 4), users=len(some))
            return _counted(sources[0].lists(conn, user_ids), advance)

        for block in wanted:
            if not publish.fill(conn, release_id, block, make):
                log.info("done before", release=release_id, block=block)


def finish(conn: psycopg.Connection, settings: Settings, release_id: int) -> int:
    """Index and attach the lists once all blocks are done, mark the release ready, and drop the oldest generations;
    returns its id.

    Raises: ConfigError; StoreError where blocks are not done, the release was given up, a lock is in the way or the
    disk is full.
    """
    keep = load_params(settings.project / "params.yaml").retention.generations
    publish.finish(conn, release_id, keep=keep, log=log.info)
    log.info("ready", release=release_id)
    return release_id


def _counted(made: "Iterator[ListBlock]", advance: Callable[[int], None]) -> "Iterator[ListBlock]":
    for part in made:
        yield part
        advance(len(part.user_ids))


def _make_partitions(conn: psycopg.Connection, now: datetime) -> None:
    """Those that events and answers go to until long after the next publish."""

    def make() -> None:
        with conn.transaction():
            for table in partitions.KEYS:
                partitions.ensure(conn, table, now)

    with_lock_retry(conn, make, "make the partitions of the coming months")


@contextmanager
def _progress(users: int) -> Iterator[Callable[[int], None]]:
    """Tell it of so many users more: a bar on a terminal, a line now and then elsewhere."""
    done, said = 0, monotonic()
    with bar("lists", "users") as show:

        def advance(more: int) -> None:
            nonlocal done, said
            done += more
            show(done / max(users, done), more, "")
            if not sys.stderr.isatty() and (done >= users or monotonic() - said > LOG_SECONDS):
                log.info("lists computed", users=done, of=users)
                said = monotonic()

        yield advance
