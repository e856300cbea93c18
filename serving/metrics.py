"""What Prometheus reads. Labels are routes, codes, sources and names of keys: never a user or an item."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The meters of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.requests = Histogram(
            "nextpick_request_seconds",
            "Time to answer, errors included; _count is the number of requests.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self.slots = Counter(
            "nextpick_recommended_items_total",
            "Items answered, by who filled the slot.",
            ("source",),
            registry=registry,
        )
        self.degraded = Counter(
            "nextpick_degraded_answers_total", "Answers given without a part.", ("missing",), registry=registry
        )
        self.events = Counter("nextpick_events_total", "Events taken in.", ("outcome",), registry=registry)
        self._add_keys(registry)
        self._add_releases(registry)
        self._add_impressions(registry)
        self._add_drift(registry)
        for missing in ("database", "ranker", "time", "explanation"):
            self.degraded.labels(missing)

        self._answered: dict[tuple[str, str, int], Histogram] = {}

    def answered(self, method: str, route: str, status: int) -> Histogram:
        """The meter of such requests; to find it among the labels takes longer than to count."""
        found = self._answered.get((method, route, status))
        if found is None:
            found = self._answered[method, route, status] = self.requests.labels(method, route, str(status))
        return found

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
        )

    def _add_releases(self, registry: CollectorRegistry) -> None:
        self.release = Gauge("nextpick_release_id", "The release being served; 0 before the first.", registry=registry)
        self.release_cutoff = Gauge(
            "nextpick_release_cutoff_timestamp_seconds",
            "The moment up to which the release knows events.",
            registry=registry,
        )
        self.release_users = Gauge("nextpick_release_users", "Users whose lists the release holds.", registry=registry)
        self.release_bytes = Gauge(
            "nextpick_release_bytes",
            "What the release's lists and items take in Postgres, with their indexes.",
            registry=registry,
        )
        self.release_errors = Counter(
            "nextpick_release_load_errors_total",
            "Releases that could not be loaded; the old one serves on.",
            registry=registry,
        )
        self.follow_errors = Counter(
            "nextpick_release_poll_errors_total",
            "Polls of the live pointer that the database did not answer.",
            registry=registry,
        )

    def _add_impressions(self, registry: CollectorRegistry) -> None:
        self.impressions = Counter("nextpick_impressions_written_total", "Answers stored.", registry=registry)
        self.impressions_dropped = Counter(
            "nextpick_impressions_dropped_total", "Answers that could not be stored.", ("reason",), registry=registry
        )
        self.impressions_waiting = Gauge("nextpick_impressions_waiting", "Answers not stored yet.", registry=registry)
        for reason in ("queue_full", "refused", "shutdown"):
            self.impressions_dropped.labels(reason)

    def _add_drift(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"nextpick_{name}", what, labels, registry=registry)

        self.drift_value = gauge("drift_value", "A statistic of the newest drift report.", "column", "statistic")
        self.drift_threshold = gauge("drift_threshold", "Where that statistic alarms.", "column", "statistic")
        self.drift_nights = gauge("drift_nights", "Nights in a row that it has moved.", "column", "statistic")
        self.drift_verdict = gauge("drift_verdict", "1 for the newest drift report's verdict.", "verdict")
        self.drift_harm = gauge("drift_harm", "1 for what it says of harm.", "harm")
        self.drift_report = gauge("drift_report_timestamp_seconds", "The night the newest drift report is of.")
        self.alerts_failed = gauge("alerts_failed", "Alerts of the last 24 hours that Slack did not take.")
        self.figures_read = gauge("figures_read_timestamp_seconds", "When these figures were last read from Postgres.")

    def text(self) -> bytes:
        """The exposition Prometheus scrapes."""
        return generate_latest(self.registry)
