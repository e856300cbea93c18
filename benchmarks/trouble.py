"""What do readers and tellers of events notice of trouble: flips, a Postgres that restarts or is frozen, MLflow away?

Readers ask for recommendations on a schedule that does not wait for answers, SHARE as often as one client could who
does, and two tellers post events, while one thing after the other happens: to a service of one worker on one core, and
to its Postgres and MLflow on another. The last line of stdout is JSON, of all reads and, under its name, of those of
each trouble:

answered_within_300ms  the share that was answered with status 200 within 300 ms of when it was due
reads, read_5xx, read_failed  how many; how many were answered 5xx; how many by another status or not at all
degraded       how many of those answered 200 said that something was missing
fresh_again_s  the longest wait for an answer that lacks nothing: from when Postgres was back; and from a flip, for one
               out of the release that went live
slowest_ms     of those answered 200
sender_late_ms, core_awaited_s  what the machine was to blame for: by how much the sender was late itself, and how long
               the service's threads could have run while others had their core
events_acknowledged, events_lost, events_doubled  how many were; how many of these the database does not have; and how
               many, acknowledged or not, it has more than once
batches_sent_again  as they were not acknowledged before

    python -m benchmarks.trouble           # some three minutes
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import sleep

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import psycopg

from benchmarks.yardstick.noticed import TELLERS, Load, Tally, load, teller
from benchmarks.yardstick.senders import one_client
from benchmarks.yardstick.served import (
    Place,
    Server,
    database,
    frozen,
    mlflow_here,
    pin,
    postgres_here,
    request,
    serving,
)
from benchmarks.yardstick.shop import USERS, another, bundle, shop
from nextpick.store import releases

SHARE = 0.25  # benchmarks/serving.py is for more than the service can take
FROZEN_SECONDS = 5.0
AWAY_SECONDS = 1.0  # between stop and start: this Postgres is small, and others take longer to be back
CALM_SECONDS = 3.0  # of load after each trouble: what comes late of it counts too
WARM_SECONDS = 5.0  # before anything is counted: connections and compiled code are not what is measured
SERVER_CORE, OTHER_CORE = 0, 1
Troubles = dict[str, Callable[[], None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="of all four troubles (2)")
    parser.add_argument("--candidates", type=int, default=100, help="that each list has (100)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nextpick-trouble-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)  # Postgres, which is not us where we are root, has its folder inside
        mlflow = stack.enter_context(mlflow_here(folder, OTHER_CORE))
        place = stack.enter_context(postgres_here(folder, OTHER_CORE))
        url, key, both = _published(place, chosen.candidates)
        mlflow.wait()
        with serving("service", "serving.app:create_app", SERVER_CORE, folder, url, key, mlflow.url) as server:
            pin(0, OTHER_CORE)
            reads = [request(server, f"user{n:05}") for n in range(USERS)]
            per_second = SHARE * capacity(server, reads)
            with load(server, reads, per_second) as made:
                tallies = noticed(made, troubles(place, url, mlflow.process.pid, both, made), chosen.rounds)
        print(json.dumps(report(tallies, made, stored(url), per_second)))


def _published(place: Place, size: int) -> tuple[str, str, list[int]]:
    """A database with two releases, the second live: its URL, a key, and their ids."""
    made = shop()
    url, key = database(place, "trouble", made, bundle(made, size), size)
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT max(release_id) FROM nextpick.releases").fetchone()
        assert row
        return url, key, [another(conn, row[0]), row[0]]


def capacity(server: Server, reads: list[bytes]) -> float:
    """Reads a second that one client gets, who asks for the next as soon as it has one, of the machine as it is."""
    one_client(server.port, reads, WARM_SECONDS)
    return len(one_client(server.port, reads, WARM_SECONDS).seconds) / WARM_SECONDS


def troubles(place: Place, url: str, mlflow: int, both: list[int], made: Load) -> Troubles:
    """Each ends once answers are whole again. The releases take turns at being live; `mlflow` is its process."""

    def flips(turns: int = 3) -> None:
        for release_id in both * turns:
            with psycopg.connect(url) as conn, conn.transaction():
                releases.flip(conn, release_id)
            made.await_whole(release_id)
            sleep(1)

    def restart() -> None:
        place.stop()
        sleep(AWAY_SECONDS)
        place.start()
        made.await_whole()

    def freeze() -> None:
        with frozen(place.process.pid):
            sleep(FROZEN_SECONDS)
        made.await_whole()

    def without_mlflow() -> None:
        with frozen(mlflow):  # whoever asks it waits
            flips(1)

    return {"flips": flips, "restart": restart, "frozen": freeze, "mlflow": without_mlflow}


def noticed(made: Load, happening: Troubles, rounds: int) -> dict[str, Tally]:
    """All of it, so many times, under load."""
    tallies = {name: Tally() for name in happening}
    sleep(WARM_SECONDS)
    for _ in range(rounds):
        for name, happen in happening.items():
            made.begin()
            happen()
            sleep(CALM_SECONDS)
            tally = made.end()
            print(f"{name:>8}  {dict(tally.statuses)}  {tally.figures()}", file=sys.stderr, flush=True)
            tallies[name].add(tally)
    return tallies


def stored(url: str) -> list[str]:
    """The ids of what the tellers sent, each as often as it is there."""
    query = "SELECT event_id FROM nextpick.events WHERE user_id = ANY(%s)"
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute(query, ([teller(n) for n in range(TELLERS)],))]


def report(tallies: dict[str, Tally], made: Load, events: list[str], per_second: float) -> dict[str, object]:
    """The line of JSON."""
    of_all = Tally()
    for tally in tallies.values():
        of_all.add(tally)
    return {
        **of_all.figures(),
        "events_acknowledged": len(made.acknowledged),
        "events_lost": len(made.acknowledged - set(events)),
        "events_doubled": len(events) - len(set(events)),
        "batches_sent_again": made.sent_again,
        "reads_per_second": round(per_second),
        **{name: tally.figures() for name, tally in tallies.items()},
        "cpus": os.cpu_count(),
    }


if __name__ == "__main__":
    main()
