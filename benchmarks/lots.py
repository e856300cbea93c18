"""What does it cost to give places away by lot, and do the bounds on what other lists would have earned hold?

    python benchmarks/lots.py                                  on the sample, at shares of .05, .1 and .2 of the places
    python benchmarks/lots.py --raw folder --share .05 --draws 20          on your own events.parquet and items.parquet

A model is trained on the data by the stages that `dvc repro` runs, in a temporary folder. Its lists as of --days after
the test window began are the live ones: a moment before each order after that an answer is made, some of its places
drawn by the product's own `explore`. The lists judged are those that the stage evaluate tries: as of the window's
beginning, by candidates that know nothing of it. An item earns 1 where the user took it within a day. What users took
is taken as given, whatever is shown, so what the judged lists would have earned is known, and each draw's bounds hold
it or do not. The last line is JSON:

    {"answers": .., "users": .., "draws": .., "earned": .., "truth": .., "supported_truth": ..,
     "places": {"same": .., "moved": .., "below": .., "elsewhere": ..},
     "shares": {"0.05": {"cost": .., "lots": .., "effective_sample_size": .., "by_item": {"reward": .., "held": ..},
                         "by_place": {"reward": .., "held": .., "held_supported": ..}}, ..}}

earned           items that an answer of the live lists earns without lots; truth: one of the judged lists
supported_truth  the part of it in places where answers may show just that item: same and below
places           of the judged lists: as the live one has it; in its first k, but moved; below them; not in it
cost             share of `earned` that is lost to the lots, mean of the draws, as lots, sample size and reward are
lots             shown places that speak for the judged lists, and came by lot
held             draws, of `draws`, whose 95 % bounds held the truth; held_supported: the supported part of it
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: implicit is 2-3 times slower without
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from nextpick.data.microseconds import microseconds  # noqa: E402
from nextpick.data.snapshot import Snapshot  # noqa: E402
from nextpick.errors import DataError, NextPickError  # noqa: E402
from nextpick.evaluation.ips import TAKEN_WITHIN, Estimate, Places, anywhere, estimate  # noqa: E402
from nextpick.evaluation.trial import two_stage  # noqa: E402
from nextpick.features.holdout import holdout  # noqa: E402
from nextpick.models import candidates  # noqa: E402
from nextpick.params import Params, load_params  # noqa: E402
from nextpick.release.explore import explore  # noqa: E402
from nextpick.schema import ITEM_ID, OCCURRED_AT, US_PER_DAY, USER_ID  # noqa: E402
from nextpick.stages import data_prep, prepared, train_collab, train_ranker  # noqa: E402


@dataclass(frozen=True)
class Replay:
    """One answer a row. `users` are rows of users (answers,).

    `live` (answers, n) are item rows of the list it is made of, best first, and `judged` (answers, k) those of the
    other, int64, -1 where there are no more; `live_taken` and `judged_taken` say of each whether the user took it
    within a day of the answer, bool.
    """

    users: np.ndarray
    live: np.ndarray
    judged: np.ndarray
    live_taken: np.ndarray
    judged_taken: np.ndarray

    @property
    def k(self) -> int:
        """Places of an answer."""
        return int(self.judged.shape[1])


def train(project: Path, raw: Path, params: Path) -> None:
    """Run the stages before evaluate in an empty folder, on the parquet files of another. Raises: DataError."""
    (project / "data" / "raw").mkdir(parents=True)
    shutil.copy(params, project / "params.yaml")
    for file in sorted(raw.glob("*.parquet")):
        shutil.copy(file, project / "data" / "raw")
    with contextlib.redirect_stdout(sys.stderr):  # the stages' log; stdout is for the figures
        for stage in (data_prep, train_collab, train_ranker):
            say(f"{stage.__name__.rpartition('.')[2]} ...")
            stage.run(project)


def replay(project: Path, days: float) -> Replay:
    """The answers before the orders that came so many days after the test window began, of users with a history then.

    Raises: DataError where fewer than two users ordered.
    """
    params, snapshot = load_params(project / "params.yaml"), prepared.read(project)
    windows, ranker = snapshot.windows, train_ranker.read(project)
    start = windows.test_from + round(days * US_PER_DAY)
    now = holdout(snapshot, params, start, windows.cutoff)
    users, moments = _orders(snapshot, start, np.diff(now.histories.indptr) > 0)
    distinct, whose = np.unique(users, return_inverse=True)
    if len(distinct) < 2:
        raise DataError(
            f"{len(distinct)} users with a history ordered from {days:g} days after the test window began to a day "
            "before it ended, and bounds need two. Ask for fewer --days, or bring more events."
        )
    say(f"{len(users):,} answers to {len(distinct):,} users ...")
    then = replace(holdout(snapshot, params, windows.test_from, windows.cutoff), users=distinct)
    now = replace(now, users=distinct)
    judged = two_stage(train_collab.read(project, "test", params), ranker, then, params).lists[whose]
    whole = _with_k(params, max(params.lists.size, params.evaluation.k))
    live = two_stage(candidates.fit(now.histories, params), ranker, now, whole).lists[whose]
    taken = _taken(snapshot, users, moments)
    each = np.arange(len(users))[:, None]
    return Replay(users, live, judged, taken[each, live] & (live >= 0), taken[each, judged] & (judged >= 0))


def _orders(snapshot: Snapshot, start: int, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """User row (int32) and moment (microseconds) of each order that a whole day of the test window follows."""
    at, users = microseconds(snapshot.interactions[OCCURRED_AT]), snapshot.users.rows(snapshot.interactions[USER_ID])
    late = (at >= start) & (at < snapshot.windows.cutoff - TAKEN_WITHIN) & known[users]
    owners, moments = np.unique(np.stack([users[late], at[late]]), axis=1)
    return owners.astype(np.int32), moments


def _with_k(params: Params, k: int) -> Params:
    return params.model_copy(update={"evaluation": params.evaluation.model_copy(update={"k": k})})


def _taken(snapshot: Snapshot, users: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Which items each user took from the moment beside it to a day later: bool (answers, items)."""
    done = snapshot.interactions
    at, owners, items = microseconds(done[OCCURRED_AT]), snapshot.users.rows(done[USER_ID]), done[ITEM_ID]
    rows, taken = snapshot.items.rows(items), np.zeros((len(users), len(snapshot.items)), bool)
    for answer, (user, moment) in enumerate(zip(users.tolist(), moments.tolist(), strict=True)):
        taken[answer, rows[(owners == user) & (at >= moment) & (at <= moment + TAKEN_WITHIN)]] = True
    return taken


def draw(of: Replay, share: float, seed: int) -> tuple[Estimate, Estimate]:
    """What is reckoned of the judged lists from answers with so many places given away: by item, and by place."""
    sizes = (of.live >= 0).sum(axis=1).tolist()
    drawn = [explore(size, of.k, share, seed * 1_000_000 + answer) for answer, size in enumerate(sizes)]
    answers = np.repeat(np.arange(len(drawn)), [len(shown) for shown, _ in drawn])
    places = np.concatenate([np.arange(len(shown)) for shown, _ in drawn])
    shown, odds = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    items, lists, by_lot = of.live[answers, shown], of.judged[answers], shown >= of.k
    earned, users = of.live_taken[answers, shown].astype(np.float64), of.users[answers]
    among, there = (lists == items[:, None]).any(axis=1), lists[np.arange(len(items)), places] == items
    in_any = anywhere(odds, np.bincount(answers)[answers])
    by_item = estimate(Places(answers, users, among, earned, in_any, by_lot))
    by_place = estimate(Places(answers, users, there, earned, odds, by_lot))
    assert by_item is not None  # of two users or more there is one
    assert by_place is not None
    return by_item, by_place


def kinds_of_places(of: Replay) -> dict[str, np.ndarray]:
    """Of each place of the judged lists what the live list has to do with it: bool (answers, k), one of them True."""
    same = of.judged == of.live[:, : of.k]
    first = (of.judged[:, :, None] == of.live[:, None, : of.k]).any(axis=2)
    below = (of.judged[:, :, None] == of.live[:, None, of.k :]).any(axis=2) & ~first
    return {"same": same, "moved": first & ~same, "below": below, "elsewhere": ~(first | below)}


def figures(of: Replay, shares: Sequence[float], draws: int) -> dict[str, Any]:
    """All that the last line says."""
    places, truth = kinds_of_places(of), _an_answer(of.judged_taken)
    supported = _an_answer(of.judged_taken & (places["same"] | places["below"]))
    earned = _an_answer(of.live_taken[:, : of.k])
    told = {}
    for share in shares:
        found = [draw(of, share, seed) for seed in range(draws)]
        told[f"{share:g}"] = _share(found, earned, truth, supported)
        say(f"share {share:g}: {json.dumps(told[f'{share:g}'])}")
    return {
        "answers": len(of.users),
        "users": len(np.unique(of.users)),
        "draws": draws,
        "earned": round(earned, 4),
        "truth": round(truth, 4),
        "supported_truth": round(supported, 4),
        "places": {name: round(float(there.mean()), 4) for name, there in places.items()},
        "shares": told,
    }


def _share(found: Sequence[tuple[Estimate, Estimate]], earned: float, truth: float, supported: float) -> dict[str, Any]:
    items, places = zip(*found, strict=True)
    cost = 1 - float(np.mean([one.logged for one in items])) / earned if earned else None
    return {
        "cost": None if cost is None else round(cost, 4),
        "lots": round(float(np.mean([one.lots for one in items])), 1),
        "effective_sample_size": round(float(np.mean([one.effective_sample_size for one in items])), 1),
        "by_item": {"reward": _reward(items), "held": _held(items, truth)},
        "by_place": {
            "reward": _reward(places),
            "held": _held(places, truth),
            "held_supported": _held(places, supported),
        },
    }


def _an_answer(taken: np.ndarray) -> float:
    return float(taken.sum(axis=1).mean())


def _reward(of: Sequence[Estimate]) -> float:
    return round(float(np.mean([one.reward for one in of])), 4)


def _held(of: Sequence[Estimate], truth: float) -> int:
    return sum(one.low <= truth <= one.high for one in of)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Train, replay, and say what it came to; 1 where the data do not do."""
    asked = _asked(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            train(Path(folder), asked.raw, asked.params)
            told = figures(replay(Path(folder), asked.days), asked.share, asked.draws)
    except NextPickError as error:
        say(f"{type(error).__name__}: {error}")
        return 1
    print(json.dumps(told))
    return 0


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    """The command line. Raises: SystemExit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--share", type=float, nargs="+", default=[0.05, 0.1, 0.2], metavar="S", help="of the places (.05 .1 .2)"
    )
    parser.add_argument("--draws", type=int, default=100, help="of all lots, for each share (default: %(default)s)")
    parser.add_argument("--days", type=float, default=7, help="after which the live lists are made (%(default)g)")
    parser.add_argument(
        "--raw", type=Path, default=ROOT / "data" / "sample", metavar="FOLDER", help="as data/raw (the sample)"
    )
    parser.add_argument("--params", type=Path, default=ROOT / "params.yaml", help="(default: the project's)")
    asked = parser.parse_args(arguments)
    if wrong := [share for share in asked.share if not 0 < share <= 0.5]:
        parser.error(f"--share is above 0 and at most .5, as params exploration, and is {wrong[0]:g}.")
    if asked.draws < 1:
        parser.error(f"--draws is at least 1, and is {asked.draws}.")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
