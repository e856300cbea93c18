"""The schedule tells of each request once, whatever becomes of its connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from benchmarks.yardstick import senders
from benchmarks.yardstick.senders import Schedule, Seen, one_client, whole

OK = b'HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{"degraded":true}'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@dataclass
class Peer:
    """A server that counts its connections and does with each request what it is told."""

    answer: Callable[[int], bytes | None]  # of the number of the request; None closes the connection
    linger: float | None = None  # seconds after which a connection that rests is closed
    connections: int = 0
    requests: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                async with asyncio.timeout(self.linger):
                    await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                answer = self.answer(self.requests)
                if answer is None:
                    break
                writer.write(answer)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[int]:
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def offered(peer: Peer, most: int, per_second: float = 1000.0) -> Seen:
    """What becomes of that many requests."""

    async def run() -> Seen:
        seen, left = Seen(), iter(range(most))
        async with listening(peer) as port:
            await Schedule(port, [REQUEST], seen).offer(per_second, lambda _: next(left, None) is not None)
        return seen

    return asyncio.run(run())


def told(seen: Seen) -> tuple[int, int, int]:
    return len(seen.seconds), seen.refused, seen.failed


def test_an_answer_counts_once_and_by_its_status() -> None:
    seen = offered(Peer(lambda n: OK if n % 2 else BUSY), 40)
    assert told(seen) == (20, 20, 0)
    assert seen.degraded == 20


def test_connections_that_rest_are_closed_by_the_server_and_that_is_no_failure() -> None:
    peer = Peer(lambda _: OK, linger=0.05)
    assert told(offered(peer, 4, per_second=5.0)) == (4, 0, 0)
    assert peer.connections == 4  # each of them anew


def test_one_that_rested_nearly_as_long_as_the_server_allows_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "REST_SECONDS", 0.0)
    peer = Peer(lambda _: OK)
    assert told(offered(peer, 4, per_second=50.0)) == (4, 0, 0)
    assert peer.connections == 4


def test_a_connection_that_is_lost_with_a_request_out_is_a_failure_and_the_next_has_another() -> None:
    peer = Peer(lambda n: None if n == 2 else OK)
    assert told(offered(peer, 6, per_second=50.0)) == (5, 0, 1)


def test_requests_that_find_no_connection_free_wait_and_their_wait_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "CONNECTIONS", 1)
    peer = Peer(lambda _: OK)
    assert told(offered(peer, 30, per_second=1e6)) == (30, 0, 0)
    assert peer.connections == 1


def test_a_request_that_waits_for_the_only_connection_has_the_next_where_that_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "CONNECTIONS", 1)
    peer = Peer(lambda n: None if n == 1 else OK)
    assert told(offered(peer, 10, per_second=1e6)) == (9, 0, 1)
    assert peer.connections == 2


def test_what_is_never_answered_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(senders, "CONNECTIONS", 2)
    peer = Peer(lambda n: OK if n == 1 else b"")
    assert told(offered(peer, 7, per_second=100.0)) == (1, 0, 6)


def test_where_nobody_listens_all_is_failure() -> None:
    async def run() -> Seen:
        async with listening(Peer(lambda _: OK)) as port:
            pass
        seen, left = Seen(), iter(range(5))
        await Schedule(port, [REQUEST], seen).offer(1000.0, lambda _: next(left, None) is not None)
        return seen

    assert told(asyncio.run(run())) == (0, 0, 5)


def test_what_the_sender_is_late_with_is_known_and_counts_as_the_answers_time() -> None:
    seen = Seen()

    async def run() -> Schedule:
        async with listening(Peer(lambda _: OK)) as port:
            schedule, left = Schedule(port, [REQUEST], seen), iter(range(3))
            offering = asyncio.create_task(schedule.offer(20.0, lambda _: next(left, None) is not None))
            await asyncio.sleep(0.01)
            until = asyncio.get_running_loop().time() + 0.2
            while asyncio.get_running_loop().time() < until:  # whatever else keeps the process busy
                pass
            await offering
            return schedule

    schedule = asyncio.run(run())
    assert schedule.behind > 0.1
    assert max(seen.seconds) > 0.1


def test_one_client_does_not_wait_for_what_will_not_come() -> None:
    async def run() -> None:
        async with listening(Peer(lambda n: None if n == 3 else OK)) as port:
            await asyncio.to_thread(one_client, port, [REQUEST], 60.0)

    with pytest.raises(ConnectionError, match="closed the connection with a request out"):
        asyncio.run(run())


def test_an_answer_is_whole_with_its_last_byte() -> None:
    assert whole(OK)
    assert not whole(OK[:-1])
    assert not whole(OK[:20])
