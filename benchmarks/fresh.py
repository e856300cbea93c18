"""How long until what a user does changes what they are recommended?

Strangers, of whom nothing is known, buy one thing through POST /events and ask POST /recommend: over HTTP, of a service
of one worker beside its Postgres, as benchmarks/serving.py starts them. The last line of stdout is JSON:

stranger_ms   from sending the event to the answer that was chosen by it, the median; worst_ms the longest
event_ms      of that, until the event was acknowledged, and so durable
stale         how many answers did not know of the event, of `tries`

    python -m benchmarks.fresh
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import httpx

from benchmarks.yardstick.served import Server, database, postgres_here, serving
from benchmarks.yardstick.shop import bundle, shop

LIST = 100


def main() -> None:
    """Start it all, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=100, help="strangers, one after the other (100)")
    tries = parser.parse_args().tries
    cores = max((os.cpu_count() or 1) - 1, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as somebody else
        print("making a shop, its model and its lists ...", file=sys.stderr)
        made = shop()
        with postgres_here(folder, cores) as place:
            url, key = database(place, "fresh", made, bundle(made, LIST), LIST)
            with serving("fresh", "serving.app:create_app", 0, folder, url, key) as server:
                found = [_ask(server, f"stranger{i:05}", made.items.ids[i]) for i in range(tries + 1)][1:]
    whole, event, known = zip(*found, strict=True)
    result = {
        "stranger_ms": round(statistics.median(whole) * 1e3, 2),
        "worst_ms": round(max(whole) * 1e3, 2),
        "event_ms": round(statistics.median(event) * 1e3, 2),
        "stale": known.count(False),
        "tries": tries,
    }
    print(json.dumps(result))


def _ask(server: Server, user_id: str, item_id: str) -> tuple[float, float, bool]:
    """Seconds to the answer, seconds to the acknowledgement, and whether the answer was chosen by the event."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=server.headers) as client:
        client.get("/health/live")  # the connection stands
        start = perf_counter()
        told = client.post("/events", json={"user_id": user_id, "item_id": item_id, "kind": "purchase"})
        acknowledged = perf_counter() - start
        told.raise_for_status()
        answer = client.post("/recommend", json={"user_id": user_id}).raise_for_status().json()
        whole = perf_counter() - start
    return whole, acknowledged, {item["source"] for item in answer["items"]} == {"fold_in"}


if __name__ == "__main__":
    main()
