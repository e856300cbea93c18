"""How many CPU seconds does it take to fit the generators on many users and items?

    python benchmarks/fit.py                             those of the pool; 30,000 users, 41,000 items, .8 million pairs
    python benchmarks/fit.py --generator rp3beta bpr

The world is made up: a user takes some 27 items over a year, a few a day, by popularity and mostly out of two of two
hundred circles of items. Parameters are those of params.yaml, or --params. The last line is JSON,

    {"als": 12.3, .., "together": .., "refused": {"ease": "why"}, "pairs": ..}

where together adds up those that were fitted, and refused names the generators that will not fit so much and says why.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: implicit is 2-3 times slower without
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.harness import cpu_seconds  # noqa: E402
from nextpick.errors import ConfigError  # noqa: E402
from nextpick.features.histories import Histories  # noqa: E402
from nextpick.models.candidates import KINDS  # noqa: E402
from nextpick.params import GENERATORS, Params, load_params  # noqa: E402
from nextpick.schema import US_PER_DAY  # noqa: E402

AS_OF, DAYS, CIRCLES, OWN_CIRCLES = 1_760_000_000_000_000, 365, 200, 0.8
A_DAY, SESSIONS = 3, 100  # items a user takes in a session, of which there are so many at most


def world(users: int, items: int, pairs: int, seed: int = 0) -> Histories:
    """Histories of about so many pairs: sizes are log-normal, popularity falls with the rank of an item."""
    draw = np.random.default_rng(seed)
    sizes = draw.lognormal(0, 0.8, users)
    owners = np.repeat(np.arange(users), draw.poisson(sizes * (1.1 * pairs / sizes.sum())))  # some are drawn twice
    ranks = items * draw.random(len(owners)) ** 2.2
    circle = draw.integers(0, CIRCLES, (users, 2))[owners, draw.integers(0, 2, len(owners))]
    inside = draw.random(len(owners)) < OWN_CIRCLES
    rows = np.where(inside, ranks - ranks % CIRCLES + circle, ranks).astype(np.int64) % items
    owners, rows = np.divmod(np.unique(owners * items + rows), items)
    days = draw.integers(0, DAYS, (users, SESSIONS))
    sessions = np.clip(np.bincount(owners, minlength=users) // A_DAY, 1, SESSIONS)
    at = AS_OF - days[owners, draw.integers(0, sessions[owners])] * US_PER_DAY
    at -= draw.integers(1, US_PER_DAY // 24, len(owners))
    ones = np.ones(len(owners), np.int32)
    indptr = np.searchsorted(owners, np.arange(users + 1)).astype(np.int64)
    return Histories(AS_OF, items, indptr, rows.astype(np.int32), ones, ones.astype(np.float32), at, at)


def fitted(known: Histories, names: list[str], params: Params) -> tuple[dict[str, float], dict[str, str]]:
    """CPU seconds of each fit, and why others refuse."""
    seconds, refused = {}, {}
    for name in names:
        start = cpu_seconds()
        try:
            KINDS[name].fit(known, params)
        except ConfigError as error:
            refused[name] = str(error)
            print(f"{name:>16}  refused: {error}", file=sys.stderr, flush=True)
            continue
        seconds[name] = round(cpu_seconds() - start, 2)
        print(f"{name:>16}  {seconds[name]:7.2f} CPU-s", file=sys.stderr, flush=True)
    return seconds, refused


def main(arguments: list[str] | None = None) -> int:
    """Draw, fit, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=30_000)
    parser.add_argument("--items", type=int, default=41_000)
    parser.add_argument("--pairs", type=int, default=800_000, help="about so many (default: %(default)s)")
    parser.add_argument("--generator", nargs="+", choices=GENERATORS, metavar="NAME", help="(default: the pool's)")
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml", help="(default: the project's)")
    asked = parser.parse_args(arguments)
    params, known = load_params(asked.params), world(asked.users, asked.items, asked.pairs)
    seconds, refused = fitted(known, asked.generator or list(params.generators), params)
    told = {**seconds, "together": round(sum(seconds.values()), 2), "refused": refused, "pairs": len(known.item_rows)}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
