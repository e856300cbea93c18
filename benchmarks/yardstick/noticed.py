"""Readers and tellers of events, and what they notice of whatever happens to a service meanwhile."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, sleep
from uuid import uuid4

import httpx

from benchmarks.yardstick.senders import Schedule
from benchmarks.yardstick.served import Server

LIMIT = 0.3  # seconds within which a read is to be answered
TELLERS, PER_BATCH, PAUSE_SECONDS = 2, 5, 0.1
GIVE_UP_SECONDS = 30.0  # on answers that do not become whole
_RELEASE = re.compile(rb'"release":(\d+)')


@dataclass
class Tally:
    """What became of reads: seconds of those answered 200, and all by status, 0 where there was none.

    The last two are the machine's doing: seconds that the sender was late with one at most, and that the service's
    threads could have run while others had its core.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    degraded: int = 0
    fresh: list[float] = field(default_factory=list)  # seconds until answers were whole again
    behind: float = 0.0
    kept_waiting: float = 0.0

    def add(self, other: "Tally") -> None:
        """All of another."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.degraded += other.degraded
        self.fresh += other.fresh
        self.behind = max(self.behind, other.behind)
        self.kept_waiting += other.kept_waiting

    def figures(self) -> dict[str, float | None]:
        """For people and JSON. Who was not answered 200 was not answered within the limit."""
        reads = self.statuses.total()
        refused = sum(n for status, n in self.statuses.items() if status >= 500)
        return {
            "answered_within_300ms": round(sum(s <= LIMIT for s in self.seconds) / reads, 5) if reads else None,
            "reads": reads,
            "read_5xx": refused,
            "read_failed": reads - refused - self.statuses[200],
            "degraded": self.degraded,
            "fresh_again_s": round(max(self.fresh), 2) if self.fresh else None,
            "slowest_ms": round(max(self.seconds) * 1e3) if self.seconds else None,
            "sender_late_ms": round(self.behind * 1e3),
            "core_awaited_s": round(self.kept_waiting, 2),
        }


class Load:
    """Reads, so many a second whether answers come or not, and TELLERS, each of whom sends a batch of events until it
    is acknowledged. `tally` is of the reads that ended since it was last begun."""

    def __init__(self, server: Server, reads: Sequence[bytes], per_second: float) -> None:
        self.tally, self.stopped = Tally(), False
        self.sent: set[str] = set()  # event ids
        self.acknowledged: set[str] = set()
        self.sent_again = 0  # batches
        self._schedule = Schedule(server.port, reads, self)
        self._server, self._per_second, self._waited = server, per_second, 0.0
        self._whole: dict[int, float] = {}  # when each release last gave an answer that lacks nothing

    def took(self, seconds: float, answer: bytes) -> None:
        """A read was answered."""
        status = int(answer[9:12])
        self.tally.statuses[status] += 1
        if status != 200:
            return
        self.tally.seconds.append(seconds)
        if b'"degraded":true' in answer:
            self.tally.degraded += 1
        elif found := _RELEASE.search(answer):
            self._whole[int(found[1])] = perf_counter()

    def lost(self) -> None:
        """A read was not."""
        self.tally.statuses[0] += 1

    def begin(self) -> None:
        """Count from nothing."""
        self.tally, self._schedule.behind, self._waited = Tally(), 0.0, self._server.kept_waiting()

    def end(self) -> Tally:
        """What there was since."""
        self.tally.behind = self._schedule.behind
        self.tally.kept_waiting = max(self._server.kept_waiting() - self._waited, 0.0)  # threads end
        return self.tally

    def await_whole(self, release_id: int | None = None) -> None:
        """Until an answer lacks nothing, and is of that release; the tally has how long it took."""
        since = perf_counter()
        while perf_counter() - since < GIVE_UP_SECONDS:
            last = max(self._whole.values(), default=0.0) if release_id is None else self._whole.get(release_id, 0.0)
            if last > since:
                break
            sleep(0.005)
        self.tally.fresh.append(perf_counter() - since)

    async def run(self) -> None:
        """Until it is `stopped`."""
        reads = self._schedule.offer(self._per_second, lambda _: not self.stopped)
        await asyncio.gather(reads, *(self._tell(teller(number)) for number in range(TELLERS)))

    async def _tell(self, user_id: str) -> None:
        address = f"http://127.0.0.1:{self._server.port}"
        async with httpx.AsyncClient(base_url=address, headers=self._server.headers, timeout=10) as client:
            while not self.stopped:
                ids = [uuid4().hex for _ in range(PER_BATCH)]
                event = {"user_id": user_id, "item_id": "item00001", "kind": "purchase"}
                self.sent |= set(ids)
                while not self.stopped:
                    if await _stored(client, [{**event, "event_id": one} for one in ids]):
                        self.acknowledged |= set(ids)
                        break
                    self.sent_again += 1  # as often as it takes: what is not acknowledged may or may not be stored
                    await asyncio.sleep(PAUSE_SECONDS)
                await asyncio.sleep(PAUSE_SECONDS)


async def _stored(client: httpx.AsyncClient, events: list[dict[str, str]]) -> bool:
    """Whether they were acknowledged, which the API does by 200."""
    try:
        return (await client.post("/events", json={"events": events})).status_code == 200
    except httpx.TransportError:
        return False


def teller(number: int) -> str:
    """The user whose events that one sends; others send none."""
    return f"teller{number}"


@contextmanager
def load(server: Server, reads: Sequence[bytes], per_second: float) -> Iterator[Load]:
    """One that runs, in a thread of its own, so that this one may wait for what happens."""
    made = Load(server, reads, per_second)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, made.run())
        try:
            yield made
        finally:
            made.stopped = True
            running.result()
