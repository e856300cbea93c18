"""Tell people of a night: what is new, what is over, and once a week that somebody watches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from nextpick.drift import messages, slack
from nextpick.drift.nights import Dated, over
from nextpick.settings import Settings
from nextpick.stages import alert
from nextpick.store import alerts, drift

REPEATED = "repeated"  # the report before told the same
OVER = "over"  # what earlier reports told is as before again
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True)
class Night:
    """A report as it is stored, its measures among the nights before, and where to see it and the run it is of."""

    row: Mapping[str, Any]
    measures: Sequence[Dated]
    address: str
    run_url: str | None

    @property
    def alarms(self) -> list[Dated]:
        """What people are told of."""
        return [one for one in self.measures if one.alarm]


def tell(
    conn: psycopg.Connection,
    settings: Settings,
    night: Night,
    earlier: drift.Report | None,
    before: drift.Report | None,
) -> str:
    """Send what neither this night's earlier report nor the night before has told; what became of it. Never raises for
    a Slack that fails."""

    @contextmanager
    def database() -> Iterator[psycopg.Connection]:
        yield conn

    def send(what: str, message: messages.Message) -> str:
        return alert.tell(settings, what, message, database)

    said = _night(night)
    told = _told(before)
    outcome = "not_needed"
    ended = over(night.measures, told)
    if ended and (earlier is None or earlier.notified.startswith("failed")):
        outcome = send("over", messages.over_message(said, ended))
        outcome = OVER if outcome == slack.SENT else outcome
    if night.alarms:
        outcome = _alert(night, earlier, told) or send("drift", messages.drift_message(said))
    _keep_alive(conn, settings, night, said, send)
    return outcome


def _alert(night: Night, earlier: drift.Report | None, told: Sequence[drift.Metric]) -> str | None:
    """What became of the alert where it was sent before, or None where it is due."""
    if earlier is not None and not _news(night, _told(earlier)):
        return earlier.notified
    return None if _news(night, told) else REPEATED


def _news(night: Night, told: Sequence[drift.Metric]) -> bool:
    known = {(metric.column_name, metric.statistic) for metric in told}
    return any((one.measure.column_name, one.measure.statistic) not in known for one in night.alarms)


def _told(report: drift.Report | None) -> Sequence[drift.Metric]:
    """The alarms that people know of through a report."""
    return report.alarms if report is not None and report.notified in (slack.SENT, REPEATED, OVER) else ()


def _keep_alive(conn: psycopg.Connection, settings: Settings, night: Night, said: messages.Night, send: Any) -> None:
    """The weekly sign of life, of a night that is now; not to a log, which nobody waits for."""
    now = datetime.now(UTC)
    if not slack.configured(settings) or night.row["as_of"] < now - DAY:
        return
    with conn.transaction():
        last = alerts.last_sent(conn, "heartbeat")
        if last is not None and last > now - WEEK:
            return
        nights = drift.count(conn, now - WEEK, now)
        sent = alerts.count_sent(conn, "drift", now - WEEK)
    send("heartbeat", messages.heartbeat_message(said, nights, sent))


def _night(night: Night) -> messages.Night:
    row = night.row
    compared = (
        f"{row['current_start']:%d %b %Y %H:%M} to {row['current_end']:%d %b %Y %H:%M} UTC against the weeks from "
        f"{row['reference_start']:%d %b %Y} to {row['reference_end']:%d %b %Y}; run {row['run_id']}."
    )
    return messages.Night(
        verdict=row["verdict"],
        as_of=row["as_of"],
        reasons=[_with_nights(reason, night.alarms) for reason in row["reasons"]],
        compared=compared,
        report=night.address,
        run=night.run_url,
        harm="" if row["harm"] == "no drift" else row["harm"],
        retrain=row["retrain"],
    )


def _with_nights(reason: str, alarms: Sequence[Dated]) -> str:
    """A sentence of the verdict, with which night in a row it is."""
    column = reason.partition(":")[0]
    nights = max((one.nights for one in alarms if one.measure.column_name == column), default=1)
    return reason if nights == 1 else f"{reason} {_ordinal(nights)} night in a row."


def _ordinal(n: int) -> str:
    if n % 100 in (11, 12, 13):
        return f"{n}th"
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th') }"
