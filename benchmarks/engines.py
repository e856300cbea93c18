"""Which engine should a model stand on? NextPick's choice beside the other, on a split that quality.py reads.

    python benchmarks/engines.py --model als --train train.txt --test test.txt     in a venv that has irspack too
    python benchmarks/engines.py --model bpr --train train.txt --test test.txt

als: implicit's solver with the two knobs of iALS added (what NextPick does), or irspack's own. Both have 128 factors
and eight iterations of three conjugate-gradient steps.
bpr: NextPick's descent, which draws negatives evenly, or implicit's, which draws them by popularity. Both have 64
factors.

Each engine gets the same grid of settings, judged on a part carved from train, and one thread. The last line is JSON:
recall@20 and ndcg@20 on the test, CPU seconds of the fit, the setting. Without --train, or an engine, it says so and
measures nothing.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.yardstick.carving import carve  # noqa: E402
from benchmarks.yardstick.ranking import Scores, best_lists, figures  # noqa: E402
from benchmarks.yardstick.settings import SEED, params_of  # noqa: E402
from benchmarks.yardstick.split import Split, read_split  # noqa: E402
from nextpick.features.user_items import user_items  # noqa: E402
from nextpick.models.candidates import KINDS  # noqa: E402

Setting = Mapping[str, Any]
Fit = Callable[[Split, Setting], Scores]
GRIDS: dict[str, list[dict[str, Any]]] = {
    "als": [
        {"factors": 128, "iterations": 8, "alpha": alpha, "regularization": penalty}
        for alpha in (3.0, 10.0, 30.0)
        for penalty in (0.3, 3.0, 30.0)
    ],
    "bpr": [
        {"factors": 64, "iterations": iterations, "learning_rate": rate, "regularization": penalty}
        for iterations in (50, 200)
        for rate in (0.01, 0.03, 0.1)
        for penalty in (0.003, 0.01, 0.03)
    ],
}


def ours(model: str) -> Fit:
    """NextPick's: users are folded in, as they are when it serves."""

    def fit(split: Split, setting: Setting) -> Scores:
        fitted = KINDS[model].fit(split.train, params_of({model: setting}, split.timing))
        return lambda rows: fitted.scores(split.train, rows)

    return fit


def irspacks_als(split: Split, setting: Setting) -> Scores:
    """irspack's iALS. Its loss is ours over alpha; its power of the frequency has the unobserved in it."""
    from irspack import IALSRecommender

    taken, alpha = user_items(split.train, split.train.weights), setting["alpha"]
    mean = taken.nnz / taken.shape[0] + taken.shape[1] / alpha
    model = IALSRecommender(
        taken,
        n_components=setting["factors"],
        alpha0=1 / alpha,
        reg=setting["regularization"] / alpha / mean**0.5,
        nu=0.5,
        train_epochs=setting["iterations"],
        solver_type="CG",
        max_cg_steps=3,
        n_threads=1,
    )
    model.learn()
    users, items = model.trainer.core_trainer.user, model.trainer.core_trainer.item
    return lambda rows: np.asarray(users[rows] @ items.T, np.float32)


def implicits_bpr(split: Split, setting: Setting) -> Scores:
    """implicit's BPR, users by their fitted vectors; the last column holds the items' biases."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(**setting, random_state=SEED, num_threads=1)
    model.fit(user_items(split.train, split.train.weights), show_progress=False)
    users, items = model.user_factors, model.item_factors
    return lambda rows: np.asarray(users[rows] @ items.T, np.float32)


OTHERS: dict[str, tuple[str, Fit]] = {"als": ("irspack", irspacks_als), "bpr": ("implicit", implicits_bpr)}


def measured(fit: Fit, split: Split, grid: list[dict[str, Any]]) -> dict[str, object]:
    """The best of the grid on a carving, then fitted on all of train."""
    carved = carve(split, 1)
    worth = [_of(fit(carved, setting), carved)["recall@20"] for setting in grid]
    chosen = grid[int(np.argmax(worth))]
    costs = []
    for _ in range(3):
        started = time.process_time()
        scores = fit(split, chosen)
        costs.append(time.process_time() - started)
    means = {name: round(mean, 4) for name, mean in _of(scores, split).items()}
    return {**means, "fit_cpu_s": round(float(np.median(costs)), 2), **chosen}


def _of(scores: Scores, split: Split) -> dict[str, float]:
    means = figures(best_lists(scores, split, split.users, 20), split.test, split.users, 20)
    return {name: means[name] for name in ("recall@20", "ndcg@20")}


def main() -> None:
    """Measure both, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=GRIDS, default="als")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    asked = parser.parse_args()
    library, other = OTHERS[asked.model]
    if not (asked.train and asked.test and find_spec(library)):
        print(json.dumps({"error": f"this wants --train, --test and a venv with {library}: see --help"}))
        return
    split, grid = read_split(asked.train, asked.test), GRIDS[asked.model]
    with redirect_stdout(sys.stderr):  # irspack draws its progress on stdout
        found = {"nextpick": measured(ours(asked.model), split, grid), library: measured(other, split, grid)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
