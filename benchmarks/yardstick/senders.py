"""Who asks the servers that are measured: wrk for throughput, one client at a time for latency, and a schedule that
does not wait for answers, as users do not, for latency under a load."""

import asyncio
import re
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

CONNECTIONS = 256  # of the schedule; with all of them busy, a request's wait for one counts as its own
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
            answer = conn.recv(65536)
            while not whole(answer):
                answer += conn.recv(65536)
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
    """A connection that tells of each answer."""

    def __init__(self, schedule: "_Schedule") -> None:
        self._schedule, self._answer = schedule, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes, intended: float) -> None:
        self.intended = intended
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if whole(self._answer):
            self._schedule.seen.took(perf_counter() - self.intended, self._answer)
            self._answer = b""
            self._schedule.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._schedule.seen.failed += 1


class _Schedule:
    """Requests at fixed times, each over a connection that is free; those that find none queue for the next."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.seen, self.sent = Seen(), 0
        self._requests = requests
        self._idle: list[_Client] = []
        self._late: list[float] = []

    def free(self, client: _Client) -> None:
        if self._late:
            self._send(client, self._late.pop(0))
        else:
            self._idle.append(client)

    def due(self, intended: float) -> None:
        if self._idle:
            self._send(self._idle.pop(), intended)
        else:
            self._late.append(intended)

    def _send(self, client: _Client, intended: float) -> None:
        client.send(self._requests[self.sent % len(self._requests)], intended)
        self.sent += 1


def open_loop(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Seen:
    """So many a second, evenly, whether answers come or not; a request's time counts from when it was due."""
    return asyncio.run(_open_loop(port, requests, per_second, seconds))


async def _open_loop(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Seen:
    loop = asyncio.get_running_loop()
    schedule = _Schedule(requests)
    for _ in range(CONNECTIONS):
        _, client = await loop.create_connection(lambda: _Client(schedule), "127.0.0.1", port)
        schedule.free(client)
    start, total = perf_counter(), int(per_second * seconds)
    for n in range(total):
        intended = start + n / per_second
        if (wait := intended - perf_counter()) > 0.0005:
            await asyncio.sleep(wait)
        elif n % 16 == 0:
            await asyncio.sleep(0)
        schedule.due(intended)
    end = perf_counter() + 5
    while len(schedule.seen.seconds) + schedule.seen.refused + schedule.seen.failed < total and perf_counter() < end:
        await asyncio.sleep(0.05)
    return schedule.seen
