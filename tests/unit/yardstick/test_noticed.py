"""What is noticed of trouble: only what was answered 200 was answered, and only what was acknowledged is owed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import Any, cast

import pytest

from benchmarks.yardstick import noticed
from benchmarks.yardstick.noticed import Load, Tally, load
from benchmarks.yardstick.served import Server, request


def answer(status: int, **body: object) -> bytes:
    return b"HTTP/1.1 %d Some\r\n\r\n" % status + json.dumps(body, separators=(",", ":")).encode()


@dataclass
class Service:
    """Answers reads with 200, and events with one status after the other, the last for ever."""

    statuses: list[int]
    events: list[list[str]] = field(default_factory=list)  # ids of each batch that came
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def kept_waiting(self) -> float:
        return 0.0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, service: Service, *rest: Any) -> None:
        self.service = service
        super().__init__(*rest)

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, body = 200, b'{"release":7,"degraded":false,"items":[]}'
        if self.path == "/events":
            self.service.events.append([event["event_id"] for event in sent["events"]])
            status, body = self.service.statuses[min(len(self.service.events), len(self.service.statuses)) - 1], b"{}"
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(noticed, "TELLERS", 1)
    monkeypatch.setattr(noticed, "PAUSE_SECONDS", 0.01)
    made = Service([503, 202, 200])
    with ThreadingHTTPServer(("127.0.0.1", 0), cast(Any, partial(Handler, made))) as server:
        made.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def unstarted() -> Load:
    return Load(cast(Server, Service([])), [b""], 1.0)


def test_only_a_200_within_the_limit_was_answered_in_time() -> None:
    made = unstarted()
    made.took(0.1, answer(200, release=1, degraded=False))
    made.took(0.2, answer(200, release=1, degraded=True))
    made.took(0.4, answer(200, release=1, degraded=False))
    made.took(0.001, answer(503))
    made.took(0.001, answer(429))
    made.took(0.001, answer(202))
    made.lost()
    assert made.tally.statuses == Counter({200: 3, 503: 1, 429: 1, 202: 1, 0: 1})
    assert made.tally.figures() == {
        "answered_within_300ms": round(2 / 7, 5),
        "reads": 7,
        "read_5xx": 1,
        "read_failed": 3,
        "degraded": 1,
        "fresh_again_s": None,
        "slowest_ms": 400,
        "sender_late_ms": 0,
        "core_awaited_s": 0.0,
    }


def test_nothing_of_what_was_before_is_counted() -> None:
    made = unstarted()
    made.took(0.4, answer(503))
    made.took(0.4, answer(200, release=1, degraded=True))
    made.lost()
    made.begin()
    assert made.end() == Tally()


def test_tallies_add_up_and_keep_the_worst() -> None:
    of_all = Tally()
    of_all.add(Tally([0.1], Counter({200: 1}), 0, [0.5], 0.02, 1.0))
    of_all.add(Tally([0.2], Counter({200: 1, 500: 1}), 1, [0.1, 2.0], 0.01, 2.0))
    assert of_all == Tally([0.1, 0.2], Counter({200: 2, 500: 1}), 1, [0.5, 0.1, 2.0], 0.02, 3.0)


@pytest.mark.parametrize(
    ("release_id", "last", "fresh"),
    [
        (None, answer(200, release=1, degraded=False), True),
        (None, answer(200, release=1, degraded=True), False),
        (2, answer(200, release=1, degraded=False), False),
        (2, answer(200, release=2, degraded=False), True),
    ],
)
def test_fresh_is_an_answer_that_lacks_nothing_and_is_of_the_release_that_went_live(
    release_id: int | None, last: bytes, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noticed, "GIVE_UP_SECONDS", 0.5 if not fresh else 60.0)
    made = unstarted()
    made.took(0.1, answer(200, release=1, degraded=False))
    made.took(0.1, answer(200, release=2, degraded=False))  # before: these count for nothing
    waiting = Thread(target=made.await_whole, args=(release_id,))
    waiting.start()
    while waiting.is_alive():
        made.took(0.1, last)
        sleep(0.01)
    assert (made.tally.fresh[0] >= 0.5) is not fresh


def test_events_are_sent_until_they_are_acknowledged_and_the_same_ids_each_time(service: Service) -> None:
    server = cast(Server, service)
    with load(server, [request(server, "somebody")], 100.0) as made:
        until = monotonic() + 60
        while len(service.events) < 5 and monotonic() < until:
            sleep(0.01)
    assert service.events[0] == service.events[1] == service.events[2] != service.events[3]
    assert made.sent_again == 2
    assert made.acknowledged == made.sent == {one for batch in service.events for one in batch}
    assert set(made.tally.statuses) == {200}
