"""What a dashboard and a panel are: what they say, their units and their queries."""

from dataclasses import dataclass, field

ASKED = 'route!~"/health/.*|/metrics|/docs|/redoc|/openapi.json|unmatched"'
ARM = 'variant=~"$variant",release=~"$release"'
RATE = "$__rate_interval"
Steps = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Panel:
    """`queries`: legend and PromQL; `unit` is Grafana's; `steps`: from which value on it is which colour."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    steps: Steps = ()
    stacked: bool = False
    least: float | None = 0
    width: int | None = None


@dataclass(frozen=True)
class Dashboard:
    """`variables`: by name, what Grafana asks Prometheus for their values."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    since: str = "now-6h"
    variables: dict[str, str] = field(default_factory=dict)


def figure(title: str, description: str, unit: str, query: str, *steps: tuple[float, str]) -> Panel:
    """A number."""
    return Panel(title, description, unit, (("", query),), "stat", steps, least=None)


def quantiles(metric: str, only: str = "") -> tuple[tuple[str, str], ...]:
    """p50, p95 and p99 of a histogram."""
    return tuple(
        (f"p{q}", f"histogram_quantile(0.{q}, sum by (le) (rate({metric}_bucket{{{only}}}[{RATE}])))")
        for q in (50, 95, 99)
    )
