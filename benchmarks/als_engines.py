"""Which solver should ALS stand on: implicit's with the two knobs of iALS added (what NextPick does), or irspack's own.

    python benchmarks/als_engines.py --train train.txt --test test.txt      in a venv that has irspack too

Both get the same factors and iterations of three conjugate-gradient steps, a grid of nine settings judged on a part
carved from train, and one thread. The last line is JSON: recall@20 and ndcg@20 on the test, CPU seconds of the fit.
Without --train, and without irspack, it says so and measures nothing.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.yardstick.carving import carve  # noqa: E402
from benchmarks.yardstick.ranking import Scores, best_lists, figures  # noqa: E402
from benchmarks.yardstick.settings import params_of  # noqa: E402
from benchmarks.yardstick.split import Split, read_split  # noqa: E402
from nextpick.features.user_items import user_items  # noqa: E402
from nextpick.models.generators.als import Als  # noqa: E402

FACTORS, ITERATIONS = 128, 8
GRID = [(alpha, penalty) for alpha in (3.0, 10.0, 30.0) for penalty in (0.3, 3.0, 30.0)]
Fit = Callable[[Split, float, float], Scores]


def ours(split: Split, alpha: float, penalty: float) -> Scores:
    """NextPick's ALS: users are folded in, as they are when it serves."""
    update = {"factors": FACTORS, "iterations": ITERATIONS, "alpha": alpha, "regularization": penalty}
    fitted = Als.fit(split.train, params_of({"als": update}, split.timing))
    return lambda rows: fitted.scores(split.train, rows)


def irspacks(split: Split, alpha: float, penalty: float) -> Scores:
    """irspack's iALS. Its loss is ours over alpha; its power of the frequency has the unobserved in it."""
    from irspack import IALSRecommender

    taken = user_items(split.train, split.train.weights)
    mean = taken.nnz / taken.shape[0] + taken.shape[1] / alpha
    model = IALSRecommender(
        taken,
        n_components=FACTORS,
        alpha0=1 / alpha,
        reg=penalty / alpha / mean**0.5,
        nu=0.5,
        train_epochs=ITERATIONS,
        solver_type="CG",
        max_cg_steps=3,
        n_threads=1,
    )
    model.learn()
    users, items = model.trainer.core_trainer.user, model.trainer.core_trainer.item
    return lambda rows: np.asarray(users[rows] @ items.T, np.float32)


def measured(fit: Fit, split: Split) -> dict[str, object]:
    """The best of the grid on a carving, then fitted on all of train."""
    carved = carve(split, 1)
    worth = [_of(fit(carved, *setting), carved)["recall@20"] for setting in GRID]
    alpha, penalty = GRID[int(np.argmax(worth))]
    costs = []
    for _ in range(3):
        started = time.process_time()
        scores = fit(split, alpha, penalty)
        costs.append(time.process_time() - started)
    means = {name: round(mean, 4) for name, mean in _of(scores, split).items()}
    return {**means, "fit_cpu_s": round(float(np.median(costs)), 2), "alpha": alpha, "penalty": penalty}


def _of(scores: Scores, split: Split) -> dict[str, float]:
    means = figures(best_lists(scores, split, split.users, 20), split.test, split.users, 20)
    return {name: means[name] for name in ("recall@20", "ndcg@20")}


def engines() -> Iterator[tuple[str, Fit]]:
    """Those that are there."""
    yield "implicit", ours
    try:
        import irspack  # noqa: F401
    except ImportError:
        return
    yield "irspack", irspacks


def main() -> None:
    """Measure both, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    asked = parser.parse_args()
    found = dict(engines())
    if not (asked.train and asked.test and "irspack" in found):
        print(json.dumps({"error": "this wants --train, --test and a venv with irspack: see --help"}))
        return
    split = read_split(asked.train, asked.test)
    print(json.dumps({name: measured(fit, split) for name, fit in found.items()}))


if __name__ == "__main__":
    main()
