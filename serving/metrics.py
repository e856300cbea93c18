"""What Prometheus reads. Labels are routes, codes, sources, variants and names of keys: never a user or an item."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serving import shared

BUCKETS = (
    *(0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
QUICK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 1.0, 5.0)
POOL = (0, 10, 25, 50, 75, 100, 150, 200, 300, 500)
MISSING = ("database", "ranker", "time", "explanation")


class Kept(Collector):
    """Families that are replaced as a whole, so that what is gone is gone. Each process has its own, all the same."""

    def __init__(self) -> None:
        self._families: tuple[Metric, ...] = ()

    def replace(self, families: Iterable[Metric]) -> None:
        """What is so now, in place of what was."""
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        """All families."""
        return iter(self._families)


class Metrics:
    """The meters of one app, in a registry of its own. Several workers share a `folder`: what they count adds up."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        if folder is not None:
            shared.share(folder)
        self.registry = registry = CollectorRegistry()
        self.kept = Kept()
        self._add_answers(registry)
        self._add_keys(registry)
        self._add_releases(registry)
        self._add_impressions(registry)
        self._add_load(registry)
        self.figures_read = Gauge(
            "nextpick_figures_read_timestamp_seconds",
            "When the figures of drift, releases, runs and KPIs were last read from Postgres.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._answered: dict[tuple[str, str, int], Histogram] = {}
        self._given: dict[tuple[str, bool], Counter] = {}

    def answered(self, method: str, route: str, status: int) -> Histogram:
        """The meter of such requests; to find it among the labels takes longer than to count."""
        found = self._answered.get((method, route, status))
        if found is None:
            found = self._answered[method, route, status] = self.requests.labels(method, route, str(status))
        return found

    def given(self, variant: str, degraded: bool) -> Counter:
        """The meter of such answers."""
        if (variant, degraded) not in self._given:
            for either in (False, True):  # so that a share of none is a share
                self._given[variant, either] = self.answers.labels(variant, str(either).lower())
        return self._given[variant, degraded]

    def text(self) -> bytes:
        """The exposition Prometheus scrapes."""
        registry = self.registry
        if self._folder is not None:
            shared.bury(self._folder)
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._folder))
        return generate_latest(registry) + generate_latest(self.kept)

    def _add_answers(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, what: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"nextpick_{name}", what, labels, buckets=buckets, registry=registry)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"nextpick_{name}", what, labels, registry=registry)

        what = "Time to answer, errors included; _count is the number of requests."
        self.requests = histogram("request_seconds", what, ("method", "route", "status"), BUCKETS)
        what = "Time that answers waited for a statement of Postgres, failures included."
        database = histogram("database_seconds", what, ("statement",), QUICK)
        self.list_seconds, self.events_seconds = (database.labels(name) for name in ("list", "events"))
        self.rank_seconds = histogram("rank_seconds", "Time to choose and rank an answer's items.", (), QUICK)
        what = "Candidates in the list of a user who has one."
        self.candidates = histogram("candidates", what, (), POOL)
        self.answers = counter("answers_total", "Answers given.", "variant", "degraded")
        self.slots = counter("recommended_items_total", "Items answered, by who filled the slot.", "source")
        self.degraded = counter("degraded_answers_total", "Answers given without a part.", "missing")
        what = "Candidates kept out of answers: as they are hidden, or by what the request says."
        filtered = counter("filtered_candidates_total", what, "reason")
        self.filtered_hidden, self.filtered_request = (filtered.labels(name) for name in ("hidden", "request"))
        self.events = counter("events_total", "Events taken in.", "outcome")
        for missing in MISSING:
            self.degraded.labels(missing)
        for outcome in ("accepted", "duplicate", "refused"):
            self.events.labels(outcome)

    def _add_keys(self, registry: CollectorRegistry) -> None:
        self.key_refusals = Counter(
            "nextpick_key_refusals_total",
            "Requests refused to a key that is known, by its name: it is over its rate, or lacks the scope.",
            ("key", "reason"),
            registry=registry,
        )
        self.keys_read = Gauge(
            "nextpick_keys_read_timestamp_seconds",
            "When the keys were last read; until they are read again, one revoked since then still opens.",
            registry=registry,
            multiprocess_mode="livemin",
        )

    def _add_releases(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str) -> Gauge:  # of several workers the one that is furthest behind
            return Gauge(f"nextpick_{name}", what, registry=registry, multiprocess_mode="livemin")

        self.release = gauge("release_id", "The release being served; 0 before the first.")
        what = "The moment up to which the release knows events."
        self.release_cutoff = gauge("release_cutoff_timestamp_seconds", what)
        self.release_users = gauge("release_users", "Users whose lists the release holds.")
        what = "What the release's lists and items take in Postgres, with their indexes."
        self.release_bytes = gauge("release_bytes", what)
        what = "Releases that could not be loaded; the old one serves on."
        self.release_errors = Counter("nextpick_release_load_errors_total", what, registry=registry)
        what = "Challengers' releases that could not be loaded; the default one answers their users."
        self.challenger_errors = Counter("nextpick_challenger_load_errors_total", what, registry=registry)
        what = "Polls of the live pointer that the database did not answer."
        self.follow_errors = Counter("nextpick_release_poll_errors_total", what, registry=registry)

    def _add_impressions(self, registry: CollectorRegistry) -> None:
        self.impressions = Counter("nextpick_impressions_written_total", "Answers stored.", registry=registry)
        self.impressions_dropped = Counter(
            "nextpick_impressions_dropped_total", "Answers that could not be stored.", ("reason",), registry=registry
        )
        what = "Answers not stored yet."
        self.impressions_waiting = Gauge(
            "nextpick_impressions_waiting", what, registry=registry, multiprocess_mode="livesum"
        )
        for reason in ("queue_full", "refused", "shutdown"):
            self.impressions_dropped.labels(reason)

    def _add_load(self, registry: CollectorRegistry) -> None:
        what = "Requests for recommendations that are being answered, as seen once a second."
        name = "nextpick_requests_in_flight"
        self.in_flight = Gauge(name, what, registry=registry, multiprocess_mode="livesum")
        what = "Work that waits, as seen once a second: to be scored, to be explained, for a connection to Postgres."
        waiting = Gauge("nextpick_waiting", what, ("what",), registry=registry, multiprocess_mode="livesum")
        self.waiting = {name: waiting.labels(name) for name in ("scoring", "explaining", "connection")}
        what = "How late the loop that answers is, lately; the latest of all workers."
        self.late = Gauge("nextpick_loop_late_seconds", what, registry=registry, multiprocess_mode="livemax")
