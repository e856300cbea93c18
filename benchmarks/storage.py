"""How much does a generation of lists take in Postgres, and how does that grow with its users?

Generations of several sizes are written as a publish writes them (lists of k, all generators' scores and ranks, the
user's history; indexed), their bytes measured, and a line fitted by least squares: bytes = fixed + per_user * users.
The last line of JSON has both, what the line misses at most, and the gigabytes it says for more users: of one
generation, and of those that are kept, with the last of the model before and one in the making.

    python benchmarks/storage.py --k 100 --users 10000 20000 50000 100000
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import psycopg

from benchmarks.publish import GENERATORS, HISTORY, PER_PART, part
from nextpick.local import ports, postgres
from nextpick.params import RetentionParams
from nextpick.release.publish import columns
from nextpick.store import lists
from nextpick.store.migrate import migrate

FORECAST = (10**5, 10**6, 10**7, 10**8)
GIGABYTE = 1e9


def written(conn: psycopg.Connection, release_id: int, users: int, k: int) -> int:
    """Bytes of a generation of so many users, without items; it is dropped again."""
    rng = np.random.default_rng(users)
    names = [f"user{n:08}" for n in range(users)]
    parts = (part(tuple(names[at : at + PER_PART]), k, rng) for at in range(0, users, PER_PART))
    with conn.transaction():
        lists.create(conn, release_id)
    lists.copy_lists(conn, release_id, ((some.user_ids, columns(some)) for some in parts))
    lists.index(conn, release_id)
    size = lists.size(conn, release_id)
    lists.drop_tables(conn, release_id)
    return size


def fitted(users: list[int], sizes: list[int]) -> tuple[float, float, float]:
    """Fixed bytes, bytes a user, and the largest share by which the line misses a size."""
    per_user, fixed = np.polyfit(users, sizes, 1)
    missed = max(abs(fixed + per_user * n - size) / size for n, size in zip(users, sizes, strict=True))
    return float(fixed), float(per_user), float(missed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 20_000, 50_000, 100_000])
    parser.add_argument("--k", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nextpick-storage-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the server, which is not us where we are root, has its folder inside
        cluster, port = postgres.Cluster(folder / "postgres"), ports.free()
        postgres.create(cluster, "benchmark", durable=False)
        process = postgres.start(cluster, port, folder / "postgres.log", {"fsync": "off"}, tied=True)
        try:
            print(json.dumps(measured(f"postgresql://postgres:benchmark@127.0.0.1:{port}/postgres", asked)))
        finally:
            postgres.stop(process)


def measured(url: str, asked: argparse.Namespace) -> dict[str, object]:
    migrate(url)
    sizes = []
    with psycopg.connect(url, autocommit=True) as conn:
        for number, users in enumerate(asked.users):
            sizes.append(written(conn, number, users, asked.k))
            print(
                f"{users:>9,} users  {sizes[-1] / 1e6:>8,.1f} MB  {sizes[-1] / users:,.0f} bytes each", file=sys.stderr
            )
    fixed, per_user, missed = fitted(asked.users, sizes)
    kept = RetentionParams().generations + 2  # one of the model before, and one in the making
    forecast = {f"{n:.0e}": round((fixed + per_user * n) / GIGABYTE, 1) for n in FORECAST}
    return {
        "bytes_per_user": round(per_user),
        "fixed_bytes": round(fixed),
        "missed": round(missed, 4),
        "gb": forecast,
        f"gb_of_{kept}": {n: round(kept * size, 1) for n, size in forecast.items()},
        "users": asked.users,
        "k": asked.k,
        "generators": GENERATORS,
        "history": HISTORY,
    }


if __name__ == "__main__":
    main()
