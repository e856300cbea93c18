"""Take events in: durable before the answer, and safe to send again."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import uuid4

import psycopg

from nextpick.store import sql
from serving import migrated
from serving.database import WRITE_SECONDS, Database, NoRoom, Unavailable
from serving.metrics import Metrics
from serving.problems import Problem, invalid
from serving.schemas import EventIn, EventsOut

AHEAD = timedelta(minutes=5)  # how far a client's clock may be ahead of ours
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
RETRY_AFTER = "1"


class EventLog:
    """Writes batches of events, each in one transaction."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database, self._metrics = database, metrics
        self._insert = sql.load("event_batches")["insert"]

    async def add(self, events: list[EventIn], *, batch: bool) -> EventsOut:
        """Store the events that are new, all or none. An event without an id gets one, so each sending counts.

        Raises: Problem 422 for a time in the future or before 2000, 503 where the database is away.
        """
        now = datetime.now(UTC)
        faults = [
            fault for place, event in enumerate(events) if (fault := _fault(event, now, place if batch else None))
        ]
        if faults:
            raise invalid(faults)
        first: dict[str, EventIn] = {}
        for event in events:
            first.setdefault(event.event_id or uuid4().hex, event)
        new = await self._write(first, now)
        self._metrics.events.labels("accepted").inc(new)
        self._metrics.events.labels("duplicate").inc(len(events) - new)
        return EventsOut(accepted=new, duplicates=len(events) - new)

    async def _write(self, events: dict[str, EventIn], now: datetime) -> int:
        rows = list(events.values())
        parameters = {
            "event_ids": list(events),
            "user_ids": [event.user_id for event in rows],
            "item_ids": [event.item_id for event in rows],
            "kinds": [event.kind for event in rows],
            "occurred_at": [(event.occurred_at or now).astimezone(UTC) for event in rows],
            "values": [event.value for event in rows],
            "recommendation_ids": [event.recommendation_id for event in rows],
        }
        start = perf_counter()
        try:
            row = await self._database.fetch_one(self._insert, parameters, WRITE_SECONDS)
        except (Unavailable, psycopg.errors.UndefinedTable) as error:
            self._metrics.events.labels("refused").inc(len(rows))
            if isinstance(error, migrated.LACKING) and (problem := await migrated.lacking(self._database)):
                raise problem from error
            why = "has no room left" if isinstance(error, NoRoom) else "is away"
            raise Problem(
                503,
                "events-not-stored",
                f"The database {why}, so no event of this request is known to be stored. Send it again, with the "
                "same event_id on each event so that none counts twice.",
                headers={"Retry-After": RETRY_AFTER},
            ) from error
        finally:
            self._metrics.events_seconds.observe(perf_counter() - start)
        return int(row[0]) if row else 0


def _fault(event: EventIn, now: datetime, place: int | None) -> dict[str, object] | None:
    if event.occurred_at is None or EARLIEST <= event.occurred_at <= now + AHEAD:
        return None
    what = "is before 2000-01-01" if event.occurred_at < EARLIEST else "is more than 5 minutes in the future"
    loc = ["occurred_at"] if place is None else ["events", place, "occurred_at"]
    return {"loc": loc, "msg": f"{event.occurred_at.isoformat()} {what}; our clock says {now:%Y-%m-%dT%H:%M:%SZ}"}
