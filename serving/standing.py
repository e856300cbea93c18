"""How things stand, as gauges: what is live, how the runs of the DAGs ended, what the newest drift report says, and
what answers brought. Read from small tables every 30 seconds, by all processes at the same moment; one of them counts
anew what answers brought."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic, time

import psycopg
import structlog
from prometheus_client.core import Metric

from nextpick.errors import StoreError
from nextpick.kpis import Arm, Counts, Estimate, per_answer, sample_ratio, share
from nextpick.store import drift, events, kpis, pipeline_runs, traffic
from nextpick.store.connection import connect
from nextpick.store.pipeline_runs import Last
from nextpick.store.traffic import Live
from serving import figures
from serving.aside import aside
from serving.families import gauge, one
from serving.metrics import Metrics

READ_SECONDS = 30.0
COUNT_SECONDS = 300.0  # between two countings, at least, by whichever process
REST = 20  # times as long as a counting took no other begins: a twentieth of one connection's time, at most
DAYS = 7
_ARM = ("variant", "release")
log = structlog.get_logger()


class Standing:
    """Keeps these gauges as Postgres has them; while it is away they stay as they were."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        self._url, self._metrics = url, metrics
        self._failed = ""

    async def run(self) -> None:
        """Read until cancelled; and count."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._count())
            while True:
                await self.read()
                await asyncio.sleep(READ_SECONDS - time() % READ_SECONDS)

    async def read(self) -> None:
        """Read once. Never raises."""
        try:
            self._metrics.kept.replace(await aside(partial(_read, self._url)))
        except (StoreError, psycopg.Error) as error:
            if self._failed != (failed := type(error).__name__):  # once, not every time
                log.warning("cannot read how things stand", why=f"{failed}: {error}")
            self._failed = failed
        else:
            self._failed = ""
            self._metrics.figures_read.set(time())

    async def _count(self) -> None:
        while True:
            began = monotonic()
            try:
                counted = await aside(partial(count, self._url))
            except (StoreError, psycopg.Error) as error:
                log.warning("cannot count what answers brought", why=f"{type(error).__name__}: {error}")
            else:
                if counted:
                    await self.read()
            await asyncio.sleep(max(COUNT_SECONDS, REST * (monotonic() - began)))


def count(url: str) -> int:
    """Count what answers brought, unless that was done lately; how many days were counted."""
    with connect(url, autocommit=True) as conn:
        return kpis.count(conn, datetime.now(UTC), DAYS, fresh=timedelta(seconds=COUNT_SECONDS * 0.9))


def _read(url: str) -> list[Metric]:
    today = datetime.now(UTC).date()
    with connect(url) as conn:
        conn.execute("SET statement_timeout = '5s'")
        return [
            *_live(traffic.live(conn)),
            *_runs(pipeline_runs.last(conn)),
            *_newest(events.newest(conn)),
            *figures.families(drift.figures(conn)),
            *_brought(kpis.read(conn, today - timedelta(days=DAYS - 1), today)),
            *_split(kpis.arms(conn, today - timedelta(days=1))),
        ]


def _live(live: Sequence[Live]) -> Iterator[Metric]:
    labels = ("variant", "release", "model_version")
    told = [((it.variant, str(it.release_id), it.model_version), it.share) for it in live]
    yield gauge("live_release_info", "1 for what is live, as Postgres says.", labels, ((of, 1) for of, _ in told))
    yield gauge("live_share", "The share of users who see a variant.", ("variant",), ((of[:1], n) for of, n in told))
    what = "Since when a variant shows its release."
    since = (((it.variant,), it.flipped_at.timestamp()) for it in live)
    yield gauge("live_since_timestamp_seconds", what, ("variant",), since)
    what = "The moment up to which a variant's lists know events."
    cutoffs = (((it.variant,), it.cutoff.timestamp()) for it in live)
    yield gauge("live_cutoff_timestamp_seconds", what, ("variant",), cutoffs)
    what = "The release that is live; other than nextpick_release_id while it is being loaded, or cannot be."
    yield gauge("live_release_id", what, ("variant",), (((it.variant,), it.release_id) for it in live))


def _runs(last: Sequence[Last]) -> Iterator[Metric]:
    def of(name: str, what: str, numbers: Iterable[tuple[str, float]]) -> Metric:
        return gauge(f"pipeline_{name}", what, ("dag",), (((dag,), number) for dag, number in numbers))

    ended = [(run.dag, run.ended_at.timestamp()) for run in last]
    yield of("last_run_timestamp_seconds", "When a DAG's last run ended.", ended)
    succeeded = [(run.dag, run.succeeded_at.timestamp()) for run in last if run.succeeded_at is not None]
    yield of("last_success_timestamp_seconds", "When a DAG's last run that succeeded ended.", succeeded)
    took = [(run.dag, (run.ended_at - run.started_at).total_seconds()) for run in last if run.started_at is not None]
    yield of("last_run_seconds", "How long a DAG's last run took.", took)
    yield of(
        "last_run_failed", "1 where a DAG's last run failed.", [(run.dag, run.outcome == "failed") for run in last]
    )


def _newest(at: datetime | None) -> Iterator[Metric]:
    if at is not None:
        yield one("newest_event_timestamp_seconds", "When the newest event happened.", at.timestamp())


def _brought(counts: Sequence[Counts]) -> Iterator[Metric]:
    """Of the last 7 days, today included."""
    answers = {(it.variant, str(it.release_id)): it.answers for it in counts}
    yield gauge("kpi_answers", "Answers of the last 7 days.", _ARM, answers.items())
    known = [((it.variant, str(it.release_id), it.kind), it) for it in counts if it.kind]
    what = "Events within a day of those answers, on an item shown, that name the answer."
    yield gauge("kpi_events", what, (*_ARM, "kind"), ((of, it.events) for of, it in known))
    what = "The share of those answers with such an event: click-through, conversion."
    yield from _estimated("kpi_taken_share", what, [(of, share(it.taken, it.answers)) for of, it in known])
    spent = [(of, per_answer(it.revenue, it.squares, it.answers)) for of, it in known]
    yield from _estimated("kpi_revenue_per_answer", "The values of those events, an answer.", spent)


def _estimated(name: str, what: str, found: Sequence[tuple[tuple[str, ...], Estimate | None]]) -> Iterator[Metric]:
    known = [(of, it) for of, it in found if it is not None]
    labels = (*_ARM, "kind")
    yield gauge(name, what, labels, ((of, it.value) for of, it in known))
    yield gauge(f"{name}_low", "The lower bound of its 95 % interval.", labels, ((of, it.low) for of, it in known))
    yield gauge(f"{name}_high", "The upper bound of its 95 % interval.", labels, ((of, it.high) for of, it in known))


def _split(arms: Sequence[Arm]) -> Iterator[Metric]:
    what = "Distinct users of yesterday by variant, where all variants were live all day."
    yield gauge("split_users", what, ("variant",), (((arm.variant,), arm.users) for arm in arms))
    likely = sample_ratio(arms)
    what = "How likely chance makes the users of the variants so uneven; next to 0 the split is broken."
    yield gauge("split_likelihood", what, (), [] if likely is None else [((), likely)])
