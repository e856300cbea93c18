"""What does an approximate index of a large catalogue find, and how much less does it cost?

    python -m benchmarks.approximate --items 150000

A world is drawn (each of --users has three of 400 circles and takes 30 items, a quarter of them from anywhere, the
first of a circle far more often), ALS is fitted to it, and 2,000 users' 100 best of all items they do not have are
looked for by the exact kernel and by als.approximate_above's index with --probes, in turn, one thread, CPU time. The
last line is

    {"recall": .., "vs_exact": .., "users_per_cpu_s": .., "build_s": .., "items": ..}

recall        share of the exact best that the index finds
vs_exact      the exact kernel's CPU time over the index's, both made before
build_s       CPU seconds that the index takes to build, which each process that fills lists does once
items         those that anybody has: the others have no vector
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import numpy as np

from benchmarks.harness import alternate, cpu_seconds, ratio, report
from nextpick.features.histories import Histories, of_users
from nextpick.features.seen import barred
from nextpick.models.approximate import Approximate
from nextpick.models.generators.als import Als
from nextpick.models.topn import Barred, Exact
from nextpick.params import load_params

PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"
CIRCLES, TAKEN, ASKED, K, NOW = 400, 30, 2000, 100, 1_760_000_000_000_000


def world(users: int, items: int) -> Histories:
    """Everybody's items, taken once just now."""
    draw = np.random.default_rng(42)
    circles = draw.integers(0, CIRCLES, (users, 3))
    size = items // CIRCLES
    place = np.floor(size * draw.random((users, TAKEN)) ** 3).astype(np.int64)
    of_circle = np.take_along_axis(circles, draw.integers(0, 3, (users, TAKEN)), 1) * size + place
    anywhere = draw.permutation(items)[np.floor(items * draw.random((users, TAKEN)) ** 3).astype(np.int64)]
    taken = np.where(draw.random((users, TAKEN)) < 0.25, anywhere, of_circle)
    pairs = np.unique(np.arange(users)[:, None] * items + taken)
    owners, rows = np.divmod(pairs, items)
    at = np.full(len(rows), NOW - 1)
    return Histories(
        as_of=NOW,
        n_items=items,
        indptr=np.searchsorted(owners, np.arange(users + 1)).astype(np.int64),
        item_rows=rows.astype(np.int32),
        counts=np.ones(len(rows), np.int32),
        weights=np.ones(len(rows), np.float32),
        first_at=at,
        last_at=at,
    )


def main() -> int:
    """Run it; see the module's docstring."""
    chosen = _parser().parse_args()
    known, some = world(chosen.users, chosen.items), np.arange(ASKED, dtype=np.int32)
    fitted = Als.fit(known, load_params(PARAMS))
    vectors = fitted.scored(known, some).vectors  # type: ignore[attr-defined]
    own = of_users(known, some)
    off = Barred.of(own, barred(own, "exclude"))
    exact, index = Exact(fitted.item_factors), Approximate(fitted.item_factors, chosen.probes)
    start = cpu_seconds()
    index.top(vectors[:1], K, Barred.nothing(1))
    build = cpu_seconds() - start
    cases = {"exact": lambda: exact.top(vectors, K, off), "index": lambda: index.top(vectors, K, off)}
    right, found = (case()[0] for case in cases.values())
    recall = np.mean([np.isin(one, other).mean() for one, other in zip(right, found, strict=True)])
    timings = alternate(cases, repeats=chosen.repeats)
    report(
        timings,
        recall=round(float(recall), 4),
        vs_exact=round(ratio(timings, "exact", "index"), 2),
        users_per_cpu_s=round(ASKED / timings["index"].median),
        build_s=round(build, 1),
        items=int((~np.isnan(fitted.item_factors[:, 0])).sum()),
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=80_000)
    parser.add_argument("--items", type=int, default=150_000)
    parser.add_argument("--probes", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


if __name__ == "__main__":
    sys.exit(main())
