"""Is the ranker over the pool better than any of its generators alone?

    python benchmarks/two_stage.py --data online-retail --policy allow
    python benchmarks/two_stage.py --without-last 28    (to choose parameters on what lies before the test)

Everything is the product's own: its cleaning, windows, generators, examples, ranker and metrics, with params.yaml as
it ships (or --params). The last days test; the ranker learns on windows before them, and each window's candidates are
fitted on what was before it. Users with a history are measured, over the full catalogue, by ndcg@10. Every generator
of the code stands beside the result, whether or not it feeds the pool. The last line of stdout is JSON:

    {"ndcg@10": {"popular": .., ..., "two_stage": ..}, "best_single": "..", "gain_over_best_single": ..,
     "gain_over_als": .., "ci95": [.., ..]}

gains are shares of what the other has (0.1 is 10 %), null where it has nothing; ci95 bounds two_stage's
ndcg@10 less the best single's, by a bootstrap over users. On stderr a table and, with --ablate, what is lost without
each generator of the pool.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: implicit is 2-3 times slower without
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks import datasets  # noqa: E402
from benchmarks.harness import cpu_seconds  # noqa: E402
from nextpick.data import clean, split  # noqa: E402
from nextpick.data.snapshot import Snapshot  # noqa: E402
from nextpick.errors import ConfigError, DataError, NextPickError  # noqa: E402
from nextpick.evaluation import trial  # noqa: E402
from nextpick.evaluation.bootstrap import paired  # noqa: E402
from nextpick.evaluation.report import MODEL, per_user  # noqa: E402
from nextpick.features.histories import histories  # noqa: E402
from nextpick.features.holdout import Holdout, holdout  # noqa: E402
from nextpick.models.candidates import KINDS  # noqa: E402
from nextpick.models.generator import Generator  # noqa: E402
from nextpick.models.training import learn  # noqa: E402
from nextpick.params import Params, load_params  # noqa: E402


@dataclass(frozen=True)
class World:
    """A snapshot and the generators fitted for each of its label windows, oldest first, and for the test."""

    snapshot: Snapshot
    params: Params
    labelled: tuple[Mapping[str, Generator], ...]
    tested: Mapping[str, Generator]
    held: Holdout


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        world = make(datasets.without_last(datasets.load(chosen.data), chosen.without_last), _params(chosen))
        ndcg = measure(world)
        tell(world, ndcg)
        if chosen.ablate:
            ablate(world, ndcg)
    except NextPickError as error:
        say(f"{type(error).__name__}: {error}")
        return 1
    print(json.dumps(verdict(ndcg, world.params)))
    return 0


def make(data: datasets.Data, params: Params) -> World:
    """Clean, split and fit. A generator that refuses the catalogue is left out and said so. Raises: DataError."""
    params = params.model_copy(update={"data": params.data.model_copy(update={"kinds": data.kinds})})
    interactions = clean.clean(data.events, data.kinds).interactions
    windows = split.windows(interactions, params.split)
    snapshot = Snapshot.of(interactions, data.catalogue, windows, "")
    held = holdout(snapshot, params, windows.test_from, windows.cutoff)
    say(f"{len(interactions):,} interactions, {len(snapshot.users):,} users, {len(snapshot.items):,} items; "
        f"{int(held.warm.sum()):,} users tested, {len(windows.labels)} label windows")  # fmt: skip
    if not held.warm.any():
        raise DataError("Nobody with a history took anything in the test window, so nothing is measured: more --days?")
    tested = _fitted(snapshot, params, windows.test_from, tuple(KINDS))
    pool = {name: size for name, size in params.pool.items() if name in tested}
    params = params.model_copy(update={"pool": pool})
    labelled = tuple(_fitted(snapshot, params, start, params.generators) for start, _ in windows.labels)
    return World(snapshot, params, labelled, tested, held)


def _fitted(snapshot: Snapshot, params: Params, as_of: int, names: tuple[str, ...]) -> dict[str, Generator]:
    known = histories(snapshot.interactions, snapshot.users, snapshot.items, params.data.kinds, as_of)
    found, start = {}, cpu_seconds()
    for name in names:
        try:
            found[name] = KINDS[name].fit(known, params)
        except ConfigError as error:
            say(f"  {name} is left out: {error}")
    say(f"  {len(found)} generators fitted on {len(known.item_rows):,} pairs: {cpu_seconds() - start:.1f} CPU-s")
    return found


def measure(world: World) -> dict[str, np.ndarray]:
    """The ndcg@10 of every contender: name -> float64, one a user with a history."""
    lists = {name: trial.alone(generator, world.held, world.params) for name, generator in world.tested.items()}
    lists[MODEL] = two_stage(world, world.params)
    return {name: _ndcg(world, tops) for name, tops in lists.items()}


def two_stage(world: World, params: Params) -> np.ndarray:
    """The lists of a ranker trained with `params`, whose pool may be a part of the world's."""
    start = cpu_seconds()
    ranker = learn(world.snapshot, params, lambda window: _pool(world.labelled[window], params))
    say(f"  a ranker of {ranker.trees} trees: {cpu_seconds() - start:.1f} CPU-s")
    return trial.two_stage(_pool(world.tested, params), ranker, world.held, params).lists


def _pool(fitted: Mapping[str, Generator], params: Params) -> dict[str, Generator]:
    return {name: fitted[name] for name in params.generators}


def _ndcg(world: World, lists: np.ndarray) -> np.ndarray:
    k = world.params.evaluation.k
    return per_user(lists, world.held, k)[f"ndcg_at_{k}"][world.held.warm]


def verdict(ndcg: Mapping[str, np.ndarray], params: Params) -> dict[str, Any]:
    """The last line: means, the best generator alone, and how far the model is above it."""
    means = {name: float(values.mean()) for name, values in ndcg.items()}
    best = max((name for name in means if name != MODEL), key=means.__getitem__)
    lift = paired(ndcg[MODEL] - ndcg[best], params.evaluation.bootstrap_samples, params.seed)
    return {
        f"ndcg@{params.evaluation.k}": {name: round(value, 4) for name, value in means.items()},
        "best_single": best,
        "gain_over_best_single": _gain(means[MODEL], means[best]),
        "gain_over_als": _gain(means[MODEL], means["als"]),
        "ci95": [round(lift.low, 4), round(lift.high, 4)],
    }


def _gain(of: float, over: float) -> float | None:
    return round(of / over - 1, 4) if over else None


def tell(world: World, ndcg: Mapping[str, np.ndarray]) -> None:
    """The table, best first, on stderr."""
    say(f"\n{'':>18}  ndcg@{world.params.evaluation.k}  two_stage above it, 95 % of it")
    for name, values in sorted(ndcg.items(), key=lambda pair: -pair[1].mean()):
        lift = paired(ndcg[MODEL] - values, world.params.evaluation.bootstrap_samples, world.params.seed)
        above = "" if name == MODEL else f"  {lift.mean:+.4f}  [{lift.low:+.4f}, {lift.high:+.4f}]"
        say(f"{name:>18}  {values.mean():7.4f}{above}")


def ablate(world: World, ndcg: Mapping[str, np.ndarray]) -> None:
    """What the mean loses where the pool does without a generator."""
    say(f"\n{'without':>18}  ndcg@{world.params.evaluation.k}  changed by")
    for name, changed in _ablations(world):
        value = _ndcg(world, changed()).mean()
        say(f"{name:>18}  {value:7.4f}  {value - ndcg[MODEL].mean():+.4f}")


def _ablations(world: World) -> list[tuple[str, Any]]:
    params, out = world.params, []
    for name in params.generators:
        rest = {other: size for other, size in params.pool.items() if other != name}
        if rest:
            out.append((name, partial(two_stage, world, params.model_copy(update={"pool": rest}))))
    return out


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _params(chosen: argparse.Namespace) -> Params:
    params = load_params(chosen.params)
    scenario = params.scenarios["default"].model_copy(update={"seen_policy": chosen.policy})
    days = {"label_days": chosen.days, "test_days": chosen.days}
    return params.model_copy(
        update={
            "scenarios": {**params.scenarios, "default": scenario},
            "split": params.split.model_copy(update=days),
        }
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        default="online-retail",
        metavar="NAME|PATH",
        help=f"{', '.join(datasets.NAMES)}; a folder with events.parquet and items.parquet; or a file of events",
    )
    parser.add_argument(
        "--policy", choices=("allow", "exclude"), default="allow", help="may an item the user has be recommended?"
    )
    parser.add_argument("--days", type=int, default=28, help="that test, and of each label window (default: 28)")
    parser.add_argument(
        "--without-last",
        type=int,
        default=0,
        metavar="DAYS",
        help="leave out what happened in the last days (default: 0)",
    )
    parser.add_argument(
        "--ablate", action="store_true", help="also train without each generator, and say what it loses"
    )
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml", help="(default: the project's)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
