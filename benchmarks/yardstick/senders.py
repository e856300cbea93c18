"""Who asks the servers that are measured: wrk for throughput, one client at a time for latency, and a schedule that
does not wait for answers, as users do not, for latency under a load."""

import asyncio
import re
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

CONNECTIONS = 256  # of the schedule; with all of them busy, a request's wait for one counts as its own
REST_SECONDS = 4.0  # uvicorn closes a connection that rests for 5, perhaps just as something is sent on it
PATIENCE_SECONDS = 5.0  # for what is out when the schedule ends
_SCRIPT = """
local bodies = {%s}
local headers = {%s}
local n = 0
request = function()
  n = n %% #bodies + 1
  return wrk.format("POST", "/recommend", headers, bodies[n])
end
"""
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Witness(Protocol):
    """Who is told what became of each request."""

    def took(self, seconds: float, answer: bytes) -> None:
        """It was answered, so long after it was due, by these bytes of HTTP."""

    def lost(self) -> None:
        """It was not: its connection was lost or not to be had, or the end came first."""


@dataclass
class Seen:
    """What became of requests: seconds of those answered 200, how many of them were degraded, and how many were not."""

    seconds: list[float] = field(default_factory=list)
    degraded: int = 0
    refused: int = 0
    failed: int = 0

    def quantile(self, share: float) -> float:
        """Seconds within which that share of those answered was; NaN where there is none."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")

    def took(self, seconds: float, answer: bytes) -> None:
        status = answer[9:12]
        if status == b"200":
            self.seconds.append(seconds)
            self.degraded += b'"degraded":true' in answer
        elif status == b"503":
            self.refused += 1
        else:
            self.failed += 1

    def lost(self) -> None:
        self.failed += 1


def closed_loop(
    port: int, headers: dict[str, str], bodies: Sequence[str], seconds: int, clients: int, core: int
) -> tuple[int, int]:
    """wrk with so many clients, each sending as soon as it has its answer: requests answered, and how many not by 2xx
    or 3xx."""
    quoted = ", ".join(f"'{body}'" for body in bodies)
    named = ", ".join(f'["{name}"]="{value}"' for name, value in headers.items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % (quoted, named))
        script.flush()
        words = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", script.name]
        said = subprocess.run([*words, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    counted, others = re.search(r"(\d+) requests in", said), re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert counted, said
    return int(counted[1]), int(others[1]) if others else 0


def one_client(port: int, requests: Sequence[bytes], seconds: float) -> Seen:
    """One after the other over one connection, for so long."""
    seen = Seen()
    with socket.create_connection(("127.0.0.1", port)) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end, n = perf_counter() + seconds, 0
        while perf_counter() < end:
            start = perf_counter()
            conn.sendall(requests[n % len(requests)])
            answer = b""
            while not whole(answer):
                if not (part := conn.recv(65536)):
                    raise ConnectionError(f"port {port} closed the connection with a request out; see its log.")
                answer += part
            seen.took(perf_counter() - start, answer)
            n += 1
    return seen


def whole(answer: bytes) -> bool:
    """Whether that is all of an HTTP answer."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(answer, 0, head + 2)
    return length is not None and len(answer) >= head + 4 + int(length[1])


class _Client(asyncio.Protocol):
    """A connection, which tells of each answer; `due` is when the request that is out on it was, if one is."""

    def __init__(self, schedule: "Schedule") -> None:
        self._schedule, self._answer = schedule, b""
        self.due: float | None = None
        self.rests_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._schedule.made(self)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self.due is not None and whole(self._answer):
            answer, due, self._answer, self.due = self._answer, self.due, b"", None
            self._schedule.witness.took(perf_counter() - due, answer)
            self._schedule.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._schedule.gone(self)


class Schedule:
    """Requests in turn, each sent when it is due: over a connection that rests, or a new one. With CONNECTIONS of them
    it waits for the next that is free; so does the request of a connection that is still being opened.

    `behind` is how many seconds this process itself was late with one at most: what an answer took is no less.
    """

    def __init__(self, port: int, requests: Sequence[bytes], witness: Witness) -> None:
        self.witness, self.behind = witness, 0.0
        self._port, self._requests, self._turn = port, requests, 0
        self._clients: set[_Client] = set()
        self._idle: list[_Client] = []  # the one that rests shortest is last
        self._opening: set[asyncio.Task[None]] = set()
        self._to_come = 0  # connections
        self._late: deque[float] = deque()

    async def offer(self, per_second: float, wanted: Callable[[float], bool]) -> None:
        """So many a second, evenly, while one due then is wanted; then wait for answers, PATIENCE_SECONDS at most."""
        start, n = perf_counter(), 0
        while wanted(due := start + n / per_second):
            if (wait := due - perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            elif n % 16 == 0:
                await asyncio.sleep(0)
            self.behind = max(self.behind, perf_counter() - due)
            self._ask(due)
            n += 1
        await self._end()

    def made(self, client: _Client) -> None:
        self._to_come -= 1
        self._clients.add(client)
        self.free(client)

    def free(self, client: _Client) -> None:
        if self._late:
            self._send(client, self._late.popleft())
        else:
            client.rests_since = perf_counter()
            self._idle.append(client)

    def gone(self, client: _Client) -> None:
        """A connection that rested is let go by either side; one with a request out takes that with it."""
        self._clients.discard(client)
        if client in self._idle:
            self._idle.remove(client)
        if client.due is not None:
            self.witness.lost()
        self._open()

    def _ask(self, due: float) -> None:
        if self._idle and perf_counter() - self._idle[-1].rests_since > REST_SECONDS:
            for client in self._idle:
                client.transport.close()
            self._idle.clear()
        if self._idle:
            self._send(self._idle.pop(), due)
        else:
            self._late.append(due)
            self._open()

    def _send(self, client: _Client, due: float) -> None:
        client.send(self._requests[self._turn % len(self._requests)], due)
        self._turn += 1

    def _open(self) -> None:
        """Another, where more requests wait for one than are to come."""
        if self._to_come < min(len(self._late), CONNECTIONS - len(self._clients)):
            self._to_come += 1
            task = asyncio.create_task(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Client(self), "127.0.0.1", self._port)
        except OSError:
            self._to_come -= 1
            if self._late:  # else another connection took it
                self._late.popleft()
                self.witness.lost()

    async def _end(self) -> None:
        until = perf_counter() + PATIENCE_SECONDS
        while self._out() and perf_counter() < until:
            await asyncio.sleep(0.01)
        for _ in range(self._out()):
            self.witness.lost()
        self._late.clear()
        for task in self._opening:
            task.cancel()
        while self._clients or self._opening:
            for client in self._clients:
                client.due = None
                client.transport.abort()
            await asyncio.sleep(0)

    def _out(self) -> int:
        return len(self._late) + sum(client.due is not None for client in self._clients)


def open_loop(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Seen:
    """So many a second, evenly, whether answers come or not; a request's time counts from when it was due."""
    seen, end = Seen(), perf_counter() + seconds
    asyncio.run(Schedule(port, requests, seen).offer(per_second, lambda due: due < end))
    return seen
