"""Gauges that are told whole, as Prometheus takes them."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily

Sample = tuple[tuple[str, ...], float]


def gauge(name: str, what: str, labels: tuple[str, ...] = (), samples: Iterable[Sample] = ()) -> GaugeMetricFamily:
    """`nextpick_<name>` with its samples, each the labels' values and a number."""
    family = GaugeMetricFamily(f"nextpick_{name}", what, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def one(name: str, what: str, number: float) -> GaugeMetricFamily:
    """`nextpick_<name>`, without labels."""
    return gauge(name, what, (), [((), number)])
