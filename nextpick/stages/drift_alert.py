"""Tell people of a night: what is new, what is over, and once a week that somebody watches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from nextpick.drift import messages, slack
from nextpick.drift.nights import Dated, over
from nextpick.drift.windows import DAY, WEEK
from nextpick.settings import Settings
from nextpick.stages import alert
from nextpick.store import alerts, drift

PENDING = "pending"  # nobody has been told yet
REPEATED = "repeated"  # the report before told the same
OVER = "over"  # what earlier reports told is as before again


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
    before: Sequence[drift.Report],
) -> str:
    """Send what neither this night's earlier report nor those before it, newest first, have told; what became of it.
    Never raises for a Slack that fails."""

    @contextmanager
    def database() -> Iterator[psycopg.Connection]:
        yield conn

    def send(what: str, message: messages.Message) -> str:
        return alert.tell(settings, what, message, database)

    said, told = _night(night), _told(before)
    outcome = "not_needed"
    if ended := over(night.measures, told):
        first = earlier is None or _is_open(earlier)
        outcome = send("over", messages.over_message(said, ended)) if first else OVER
        outcome = OVER if outcome == slack.SENT else outcome
    if night.alarms and not outcome.startswith("failed"):
        outcome = _alert(night, earlier, told) or send("drift", messages.drift_message(said))
    _keep_alive(conn, settings, night, said, send)
    return outcome


def _alert(night: Night, earlier: drift.Report | None, told: Sequence[drift.Metric]) -> str | None:
    """What became of the alert where it was sent before, or None where it is due."""
    if earlier is not None and not _is_open(earlier) and not _news(night, earlier.alarms):
        return earlier.notified
    return None if _news(night, told) else REPEATED


def _news(night: Night, told: Sequence[drift.Metric]) -> bool:
    """Whether a column alarms of which nobody was told, by whatever statistic."""
    known = {metric.column_name for metric in told}
    return any(one.measure.column_name not in known for one in night.alarms)


def _told(before: Sequence[drift.Report]) -> Sequence[drift.Metric]:
    """The alarms that people know of: those of the newest report whose news reached them."""
    closed = (one for one in before if not _is_open(one))
    newest = next(closed, None)
    return () if newest is None else newest.alarms


def _is_open(report: drift.Report) -> bool:
    """Whether what it had to tell has reached nobody: Slack failed, nobody was asked to, or it died before."""
    return report.notified.startswith("failed") or report.notified in (PENDING, "not_asked", slack.NOT_CONFIGURED)


def _keep_alive(conn: psycopg.Connection, settings: Settings, night: Night, said: messages.Night, send: Any) -> None:
    """The weekly sign of life, of a night that is now; not to a log, which nobody waits for."""
    now = datetime.now(UTC)
    if not slack.configured(settings) or night.row["as_of"] < now - DAY:
        return
    with conn.transaction():
        last = alerts.last_sent(conn, "heartbeat")
        if last is not None and last > now - WEEK + DAY / 2:  # a night begins some seconds sooner or later
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
    """A sentence of the verdict, with which night in a row it is; what lasts is an alarm, however small."""
    column = reason.partition(":")[0]
    nights = max((one.nights for one in alarms if one.measure.column_name == column), default=0)
    lasting = reason.replace("; no alarm yet.", "; small, but it lasts.") if nights else reason
    return lasting if nights < 2 else f"{lasting} {_ordinal(nights)} night in a row."


def _ordinal(n: int) -> str:
    if n % 100 in (11, 12, 13):
        return f"{n}th"
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th') }"
