"""Stage: the sample's held-back week through the real API, as if it happened now.

Each order is preceded by asking for recommendations; its events carry the answer's id and the time of sending. What has
been sent is known from the event ids in the database, so a replay that was stopped goes on where it stopped.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg

from nextpick.api_client import ApiClient, Stopped
from nextpick.data import shift
from nextpick.data.online_retail import PURCHASE, convert
from nextpick.data.orders import Order, orders
from nextpick.errors import DataError
from nextpick.schema import OCCURRED_AT
from nextpick.stages import load_sample, progress
from nextpick.store import loads, replays

K = 10  # items asked for before a purchase
IN_FLIGHT = 8  # orders at once, each of another customer


@dataclass(frozen=True)
class Played:
    """One order as it was answered. The seconds are of the requests that were answered; `waited_seconds` are
    those the API asked for by Retry-After."""

    events_new: int
    events_known: int
    retries: int
    events_seconds: float
    waited_seconds: float = 0.0
    recommend_seconds: float | None = None
    hit: bool = False
    sources: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Report:
    """What was played in this run of round `round_number`, and how many orders are left of it."""

    round_number: int
    played: tuple[Played, ...]
    left: int
    stopped: bool


def run(
    conn: psycopg.Connection,
    lines: Path,
    api: tuple[str, str | None],
    *,
    speed: float,
    limit: int | None = None,
    again: bool = False,
) -> Report:
    """Play up to `limit` orders of those not sent yet, the gaps between them divided by `speed`; `api` is (URL, key).

    `again` begins a new round with all orders. Ctrl-C ends it after the orders under way.

    Raises: DataError where the sample is not loaded; ApiError where the API refuses, or does not answer for long.
    """
    with conn.transaction():
        moved, rounds = loads.shift_days(conn, load_sample.SOURCE), replays.sent(conn)
    if moved is None:
        raise DataError("There is nothing to follow on: the sample is not loaded. Run `nextpick load --sample` first.")
    number = max(rounds, default=1) + (again and bool(rounds))
    waiting = [order for order in held_back(lines) if not _is_sent(order, rounds.get(number, set()))]
    chosen = waiting[:limit]
    with progress.bar("replay", "orders") as advance:

        def tell(order: Order, done: int) -> None:
            at = order.at + timedelta(days=moved)
            advance(done / len(chosen), 1, f"{at:%a %d %b %H:%M}")

        played, stopped = asyncio.run(play(chosen, number, api, speed, tell))
    return Report(number, tuple(played), len(waiting) - len(played), stopped)


def held_back(lines: Path) -> tuple[Order, ...]:
    """The orders that loading the sample leaves out, oldest first."""
    events = convert(load_sample.read_lines(lines)).events
    return orders(events[events[OCCURRED_AT] >= shift.cutoff(events)])


def _is_sent(order: Order, sent: set[str]) -> bool:
    return any(line.event_id in sent for line in order.lines)  # an order's events are stored all or none


async def play(
    chosen: Sequence[Order],
    number: int,
    api: tuple[str, str | None],
    speed: float,
    tell: Callable[[Order, int], None],
) -> tuple[list[Played], bool]:
    """Send orders when they are due; one customer's one after the other, whatever the speed.

    Returns what was played and whether a Ctrl-C cut it short. Raises: ApiError.
    """
    stop, slots = asyncio.Event(), asyncio.Semaphore(IN_FLIGHT)
    _stop_on_signal(stop)
    played: list[Played] = []
    latest: dict[str, asyncio.Task[None]] = {}

    async def one(order: Order, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await before
            with suppress(Stopped):
                played.append(await _send(client, order, number))
                tell(order, len(played))
        finally:
            slots.release()

    begun = monotonic()
    try:
        async with ApiClient(*api, stop, say=progress.say) as client, asyncio.TaskGroup() as group:
            for order in chosen:
                due = begun + (order.at - chosen[0].at).total_seconds() / speed
                if await _stopped(stop, due - monotonic()):
                    break
                await slots.acquire()
                if stop.is_set():
                    break
                latest[order.user_id] = group.create_task(one(order, latest.get(order.user_id)))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return played, stop.is_set()


def _stop_on_signal(stop: asyncio.Event) -> None:
    """The first Ctrl-C asks to stop; a second one is not waited for."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()

    with suppress(RuntimeError, ValueError):  # only the main thread hears signals
        loop.add_signal_handler(signal.SIGINT, asked)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, and say whether to stop."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def _send(client: ApiClient, order: Order, number: int) -> Played:
    """Ask before a purchase, then tell of the order. Raises: ApiError, Stopped."""
    asked = await client.recommend(order.user_id, K) if order.kind == PURCHASE else None
    told = await client.add_events(_events(order, number, None if asked is None else asked.body["recommendation_id"]))
    items = [] if asked is None else asked.body["items"]
    return Played(
        events_new=told.body["accepted"],
        events_known=told.body["duplicates"],
        retries=told.retries + (asked.retries if asked else 0),
        waited_seconds=told.waited_seconds + (asked.waited_seconds if asked else 0.0),
        events_seconds=told.seconds,
        recommend_seconds=asked.seconds if asked else None,
        hit=not {item["item_id"] for item in items}.isdisjoint(line.item_id for line in order.lines),
        sources=Counter(item["source"] for item in items),
    )


def _events(order: Order, number: int, recommendation_id: str | None) -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    return [
        {
            "event_id": replays.event_id(number, line.event_id),
            "user_id": order.user_id,
            "item_id": line.item_id,
            "kind": order.kind,
            "occurred_at": now,
            "value": line.value,
            "recommendation_id": recommendation_id,
        }
        for line in order.lines
    ]
