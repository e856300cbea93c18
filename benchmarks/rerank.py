"""What does it cost to score a request's candidates, compared with LightGBM's own prediction?

A ranker of 200 trees with 31 leaves and every feature NextPick has scores the candidates of a few users, 100 and 200 of
each: by `Ranker.predict`, which at a request is the compiled trees, and by LightGBM's `Booster.predict` in one thread,
in turn. Beside it, what these features cost to compute, compiled and by NumPy.

of_booster    CPU of Ranker.predict over CPU of Booster.predict, 100 candidates; of_booster_200 likewise
max_abs_diff  between their scores: 0 is the same to the bit

    python -m benchmarks.rerank --repeats 7
"""

import argparse
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Callable

import numpy as np

from benchmarks.harness import alternate, ratio, report
from benchmarks.yardstick.shop import LEAVES, TREES, Shop, bundle, shop
from nextpick.features import pair
from nextpick.features.histories import Histories, of_users
from nextpick.features.pair import Pool, pair_features
from nextpick.models import trees
from nextpick.models.bundle import Bundle
from nextpick.models.pool import build_pool

ASKED = 20  # users whose candidates are scored
SIZES = (100, 200)


def requests(of: Shop, model: Bundle, size: int) -> list[tuple[Pool, Histories]]:
    """The first `size` candidates of some users, each with the user's own history."""
    found = []
    for user in range(ASKED):
        own = of_users(of.own, np.array([user]))
        pool = build_pool(model.generators, dict(model.params.pool), np.zeros(1, np.int32), own, "allow")
        arrays = (a[:size] for a in (pool.user_rows, pool.item_rows, pool.scores, pool.ranks))
        found.append((Pool(*arrays, pool.generators, model.vectors), own))
    return found


def each(work: Callable[..., object], arguments: list[tuple[object, ...]]) -> Callable[[], object]:
    """A case that does the work once for each."""
    return lambda: [work(*some) for some in arguments]


def _tell(cases: dict[str, Callable[[], object]], repeats: int, worst: float, same: bool, features: int) -> None:
    timings = alternate(cases, repeats=repeats, at_least_seconds=1.0)
    micros = {name: round(timing.median / ASKED * 1e6, 1) for name, timing in timings.items()}
    report(
        timings,
        of_booster=round(ratio(timings, "predict 100", "booster 100"), 3),
        of_booster_200=round(ratio(timings, "predict 200", "booster 200"), 3),
        max_abs_diff=worst,
        features_of_numpy=round(ratio(timings, "features 100", "features by numpy 100"), 3),
        features_same_bits=same,
        cpu_us=micros,
        trees=TREES,
        leaves=LEAVES,
        features=features,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="at least 5")
    repeats = parser.parse_args().repeats
    print("making a shop, and training on it ...", file=sys.stderr)
    made = shop()
    model = bundle(made, max(SIZES))
    kernel = trees.compiled()
    model.ranker.get_ready()
    fast = pair._kernel
    if kernel is None or fast is None:
        sys.exit("benchmarks/rerank.py: numba is not installed here, and without it LightGBM predicts. `make install`.")

    def plainly(pool: Pool, own: Histories) -> np.ndarray:
        pair.use(None)
        found = pair_features(pool, own, made.table, own.as_of, model.features)
        pair.use(fast)
        return found

    def compiled(pool: Pool, own: Histories) -> np.ndarray:
        return pair_features(pool, own, made.table, own.as_of, model.features)

    def booster(rows: np.ndarray) -> np.ndarray:
        return np.asarray(model.ranker._booster.predict(rows, num_threads=1))

    cases, worst, same = {}, 0.0, True
    for size in SIZES:
        asked = requests(made, model, size)
        rows = [compiled(*some) for some in asked]
        same &= all(plainly(*some).tobytes() == row.tobytes() for some, row in zip(asked, rows, strict=True))
        worst = max(worst, *(float(np.abs(model.ranker.predict(row) - booster(row)).max()) for row in rows))
        cases[f"predict {size}"] = each(model.ranker.predict, [(row,) for row in rows])
        cases[f"booster {size}"] = each(booster, [(row,) for row in rows])
        cases[f"features {size}"] = each(compiled, [*asked])
        cases[f"features by numpy {size}"] = each(plainly, [*asked])
    _tell(cases, repeats, worst, same, len(model.features))


if __name__ == "__main__":
    main()
