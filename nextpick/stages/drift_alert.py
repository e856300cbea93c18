"""Tell people of a night: what is new, what is over, and once a week that somebody watches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from nextpick.drift import messages, slack
from nextpick.drift.nights import Dated, over
from nextpick.drift.redacted import redacted
from nextpick.drift.windows import DAY, WEEK
from nextpick.settings import Settings
from nextpick.stages import alert
from nextpick.store import alerts, drift
from nextpick.store.connection import connect

PENDING = "pending"  # nobody has been told yet
REPEATED = "repeated"  # people know
OVER = "over"  # what was told is as before again
_HEARD = (slack.SENT, slack.NOT_CONFIGURED)


@dataclass(frozen=True)
class Night:
    """A report as it is stored, its measures among the nights before, where to see it and the run it is of, and
    why there is no page of it, where there is none."""

    row: Mapping[str, Any]
    measures: Sequence[Dated]
    address: str
    run_url: str | None
    fault: str | None = None

    @property
    def alarms(self) -> list[Dated]:
        """What people are told of."""
        return [one for one in self.measures if one.alarm]


def tell(conn: psycopg.Connection, settings: Settings, night: Night, earlier: drift.Report | None) -> str:
    """Send what people do not know yet, and what became of it; `earlier` is this night's report before. What was told
    is kept by column and not by night. Never raises for a Slack that fails."""

    @contextmanager
    def database() -> Iterator[psycopg.Connection]:
        yield conn

    def send(what: str, message: messages.Message) -> str:
        return alert.tell(settings, what, message, database)

    with conn.transaction():
        told = alerts.told(conn, heard=slack.configured(settings))
    said, outcome = _night(night), _so_far(night, earlier)
    if ended := over(night.measures, told):
        outcome = send("over", messages.over_message(said, ended))
        if _heard(outcome):
            outcome = OVER
            keep(conn, settings, lambda conn: alerts.over(conn, ended))
    alarming = sorted({one.measure.column_name for one in night.alarms})
    if not outcome.startswith("failed") and not set(alarming) <= set(told):
        outcome = send("drift", messages.drift_message(said))
        if _heard(outcome):
            keep(conn, settings, lambda conn: alerts.remember(conn, alarming, outcome))
    if night.fault is not None:
        alert.tell(settings, "failure", f"The page of the drift report of {said.as_of:%d %b %Y %H:%M} UTC could not be "
                   f"made, its figures are there: {redacted(night.fault)}", database)  # fmt: skip
    if not conn.closed:
        _keep_alive(conn, settings, night, said, send)
    return outcome


def keep(conn: psycopg.Connection, settings: Settings, write: Callable[[psycopg.Connection], None]) -> None:
    """Write what became of an alert, by another connection where Slack took longer than this one lasted: what people
    know must not be told again."""
    try:
        with conn.transaction():
            write(conn)
    except psycopg.OperationalError:
        with connect(settings.database()) as another:
            write(another)


def _so_far(night: Night, earlier: drift.Report | None) -> str:
    """What is to be said of the night where there is nothing to tell."""
    if earlier is not None and earlier.notified in (*_HEARD, OVER):
        return earlier.notified
    return REPEATED if night.alarms else "not_needed"


def _heard(outcome: str) -> bool:
    """Whether it was told to whomever there is; to the log where that is all."""
    return outcome in _HEARD


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
