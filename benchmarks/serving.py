"""What does a recommendation cost the process that answers it, and how long does it take?

One worker each, in turn, over HTTP from another core:
(a) constant   a bare FastAPI app that answers the same JSON to every POST, without anything of ours
(b) list       the service's /recommend with the ranker left out: lists go out as they were computed
(c) rerank     the service as it is: 100, and 200, candidates re-scored with 200 trees of 31 leaves and every feature
Keys, impressions and metrics are on in b and c; lists and events are read from a Postgres that the script starts, and
half of the users did something since their list was made.

recommend_of_constant, rerank100_of_constant, rerank200_of_constant
              requests per CPU second of the server, over the constant app's (wrk, 16 clients)
p50_ms, p99_ms  of the whole request, one client, 100 candidates
p99_over_p50_at_half_load  at half of what the 16 clients got, sent on a schedule that does not wait for answers
overload_p99_ratio  p99 of answers at twice that load, over p99 of one client; refused requests are none of these
worker_mb     memory of the worker of c that is its own, after all of it; overload_mb is what it grew by under overload

    make ci-tools                          # once: wrk
    python -m benchmarks.serving           # some four minutes
    python -m benchmarks.serving --repeats 9 --seconds 4
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.yardstick.parts import parts, table
from benchmarks.yardstick.senders import Seen, closed_loop, one_client, open_loop
from benchmarks.yardstick.served import Server, database, pin, postgres_here, request, serving, wrk
from benchmarks.yardstick.shop import USERS, bundle, shop

SERVER_CORE, OTHER_CORE = 0, 1  # the senders and Postgres share the second
CLIENTS = 16
LONGEST = 200  # candidates: the model is trained once, for these, and serves the lists of 100 too


def say(text: str) -> None:
    print(f"{perf_counter() - _START:6.1f}  {text}", file=sys.stderr, flush=True)


_START = perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="rounds of a, b, c100, c200: at least 5")
    parser.add_argument("--seconds", type=int, default=2, help="that each is asked in a round")
    parser.add_argument("--load-seconds", type=float, default=10.0, help="of one client, of half load and of overload")
    asked = parser.parse_args()
    if asked.repeats < 5:
        parser.error("at least 5 repeats: fewer say too little about noise")
    if wrk() is None:
        sys.exit("benchmarks/serving.py: there is no wrk here. `make ci-tools` installs it (Debian), or your packages.")
    with tempfile.TemporaryDirectory(prefix="nextpick-serving-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres, which is not us where we are root, has its folder inside
        servers = _started(folder, stack)
        pin(0, OTHER_CORE)
        micros = _rounds(servers, asked.repeats, asked.seconds)
        figures = _latencies(servers["rerank 100"], micros.pop("per_second"), asked.load_seconds)
        cpu = {name: round(statistics.median(values), 1) for name, values in micros.items()}
        print(table(parts(servers["rerank 100"].url), cpu["rerank 100"], cpu["constant"]), file=sys.stderr)
    of = {name: round(cpu["constant"] / value, 3) for name, value in cpu.items()}
    print(
        json.dumps(
            {
                "recommend_of_constant": of["list"],
                "rerank100_of_constant": of["rerank 100"],
                "rerank200_of_constant": of["rerank 200"],
                **figures,
                "cpu_us": cpu,
                "cpu_us_least": {name: round(min(values), 1) for name, values in micros.items()},
                "repeats": asked.repeats,
                "cpus": os.cpu_count(),
            }
        )
    )


def _started(folder: Path, stack: ExitStack) -> dict[str, Server]:
    """All servers, which stay up: those that are not asked cost next to nothing."""
    say("making a shop, and training on it ...")
    made = shop()
    model = bundle(made, LONGEST)
    place = stack.enter_context(postgres_here(folder, OTHER_CORE))
    servers = {}
    start = {
        "constant": ("benchmarks.yardstick.constant:constant", 0),
        "list": ("benchmarks.yardstick.served:in_list_order", 100),
        "rerank 100": ("serving.app:create_app", 100),
        "rerank 200": ("serving.app:create_app", 200),
    }
    for name, (factory, size) in start.items():
        say(f"starting {name} ...")
        where = database(place, name.replace(" ", ""), made, model, size) if size else ("", "")
        servers[name] = stack.enter_context(serving(name, factory, SERVER_CORE, folder, *where))
    return servers


def _rounds(servers: dict[str, Server], repeats: int, seconds: int) -> dict[str, list[float]]:
    """CPU microseconds a request of each, one number a round; and, as `per_second`, what c at 100 answered."""
    bodies = [f'{{"user_id":"user{n:05}","top_k":10}}' for n in range(USERS)]
    micros: dict[str, list[float]] = {name: [] for name in servers}
    rate = []
    for turn in range(repeats + 1):  # the first warms up
        for name, server in servers.items():
            cpu, start = server.cpu(), perf_counter()
            answered, others = closed_loop(server.port, server.headers, bodies, seconds, CLIENTS, OTHER_CORE)
            if others:
                sys.exit(f"{name} answered {others} of {answered} requests with an error; see {server.log}.")
            used, took = server.cpu() - cpu, perf_counter() - start
            if turn:
                micros[name].append(used / answered * 1e6)
                rate += [answered / took] if name == "rerank 100" else []
        if turn:
            say("   ".join(f"{name} {values[-1]:.0f} us" for name, values in micros.items()))
    return {**micros, "per_second": rate}


def _latencies(server: Server, rates: list[float], seconds: float) -> dict[str, object]:
    capacity = statistics.median(rates)
    requests = [request(server, f"user{n:05}") for n in range(USERS)]
    alone = one_client(server.port, requests, seconds)
    say(f"one client: {_said(alone)}")
    half = open_loop(server.port, requests, capacity / 2, seconds)
    say(f"{capacity / 2:.0f} a second: {_said(half)}")
    before = server.megabytes()
    twice = open_loop(server.port, requests, capacity * 2, seconds)
    after = server.megabytes()
    say(f"{capacity * 2:.0f} a second: {_said(twice)}; memory {before:.0f} -> {after:.0f} MB")
    return {
        "p50_ms": round(alone.quantile(0.5) * 1000, 3),
        "p99_ms": round(alone.quantile(0.99) * 1000, 3),
        "p99_over_p50_at_half_load": round(half.quantile(0.99) / half.quantile(0.5), 2),
        "overload_p99_ratio": round(twice.quantile(0.99) / alone.quantile(0.99), 2),
        "overload_degraded": twice.degraded,
        "overload_refused": twice.refused,
        "overload_failed": twice.failed,
        "overload_mb": round(after - before, 1),
        "worker_mb": round(after, 1),
        "capacity_per_second": round(capacity),
    }


def _said(seen: Seen) -> str:
    n = len(seen.seconds)
    return (
        f"{n} answered, p50 {seen.quantile(0.5) * 1000:.2f} ms, p99 {seen.quantile(0.99) * 1000:.2f} ms, "
        f"{seen.degraded} degraded, {seen.refused} refused, {seen.failed} failed"
    )


if __name__ == "__main__":
    main()
