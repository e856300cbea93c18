"""The public yardstick: how well each generator, and all of them fused, recommends on a split of the literature.

    python benchmarks/quality.py --train train.txt --test test.txt --k 20
    python benchmarks/quality.py --train train.csv --test test.csv --negatives negatives.txt --k 10

Files: lines `user item item ...` (where an item stands in the line counts as its time, unless the lines are sorted),
or a .csv, .tsv or .parquet with columns user, item and perhaps time (ISO 8601, or seconds since 1970, or milli-, micro-
or nanoseconds, as their size tells), or the .rating of the NCF papers (user, item, rating, time; every rating counts).
Negatives are lines `user item item ...`, or `(user,item) item ...`: the test's items are then ranked among these alone,
and every user of the test must have some. Otherwise all items of the files are ranked. Items of train are masked. Make
a split with `python -m benchmarks.yardstick.cut --help`; without --train and --test one of the sample is made.

On stdout a line of JSON for each generator, and one for "fused", which ranks the union of several by a learnt sum of
their scores and a LambdaRank over it. recall@k is over all of the test's items of a user, ndcg@k has its ideal over
min(k, those), hit@k is 1 where any is found; means over the users of the test. fit_cpu_s and score_cpu_s are CPU
seconds of one fit on all of train and of ranking all users; what comes before, choosing settings and, of "fused",
learning the sum and its trees, is in neither. A model that refuses, takes too long or too much memory has
{"model": .., "error": ..}; where a file cannot be read, every model has.

The test is only looked at to measure. Settings are chosen on parts held back from train: steps from the defaults, for
at most --choose-minutes of CPU a model (on a busy machine one and a half times as long), and with --tune by Optuna for
--budget-minutes more, shared by all. They are in "params". Progress is on stderr.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before OpenMP: threads that spin cost a busy machine 7 times
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402

from benchmarks.yardstick.cut import pairs, to_test, write  # noqa: E402
from benchmarks.yardstick.fused import measure_fused  # noqa: E402
from benchmarks.yardstick.isolated import Answer, isolated  # noqa: E402
from benchmarks.yardstick.measure import Job, measure, tell  # noqa: E402
from benchmarks.yardstick.remarks import remarks  # noqa: E402
from benchmarks.yardstick.settings import LADDERS  # noqa: E402
from benchmarks.yardstick.split import read_split  # noqa: E402
from nextpick.data.online_retail import convert  # noqa: E402
from nextpick.errors import DataError  # noqa: E402
from nextpick.params import GENERATORS  # noqa: E402

MODELS = (*GENERATORS, "fused")


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line. Raises: SystemExit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--negatives", type=Path)
    parser.add_argument("--k", type=int, default=20)
    some = {"nargs": "+", "action": "extend", "choices": MODELS, "metavar": "NAME"}
    parser.add_argument("--generator", help=f"some of {', '.join(MODELS)}", **some)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--budget-minutes", type=float, default=30.0, help="of --tune, in all (default: %(default)g)")
    parser.add_argument("--choose-minutes", type=float, default=4.0, help="of CPU, a model (%(default)g)")
    parser.add_argument(
        "--timeout-minutes", type=float, default=15.0, help="a model, choosing and tuning aside (%(default)g)"
    )
    parser.add_argument("--max-gb", type=float, help="of memory, a model (default: 24, or nine tenths of all)")
    asked = parser.parse_args(argv)
    if (asked.train is None) != (asked.test is None):
        parser.error("--train and --test go together.")
    if asked.k < 1:
        parser.error(f"--k counts places, at least 1, and is {asked.k}.")
    asked.max_gb = asked.max_gb or min(24.0, 0.9e-9 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return asked


def lines(asked: argparse.Namespace) -> dict[str, Answer]:
    """The line of each model, printed as soon as it is there."""
    done: dict[str, Answer] = {}
    models = _models(asked)
    for model in models:
        left = sum(bool(LADDERS.get(m)) for m in models if m not in done)
        tune_seconds = 60 * asked.budget_minutes / max(left, 1) if asked.tune and LADDERS.get(model) else 0.0
        asked.budget_minutes -= tune_seconds / 60
        job = Job(
            model=model,
            train=asked.train,
            test=asked.test,
            negatives=asked.negatives,
            k=asked.k,
            choose_seconds=60 * asked.choose_minutes,
            tune_seconds=tune_seconds,
            max_gb=asked.max_gb,
            settled={name: line["params"] for name, line in done.items() if "params" in line},
        )
        work = measure_fused if model == "fused" else measure
        choosing = tune_seconds + 1.5 * job.choose_seconds
        done[model] = isolated(work, job, 60 * asked.timeout_minutes + choosing, asked.max_gb)
        print(json.dumps(_ordered(model, done[model], asked.k)), flush=True)
    return done


def _models(asked: argparse.Namespace) -> list[str]:
    """Each once, "fused" last, as it begins with what the others chose."""
    return [model for model in MODELS if model in (asked.generator or MODELS)]


def of_the_sample(folder: Path) -> tuple[Path, Path]:
    """A random fifth of each customer's items of the project's sample, to find from the others."""
    sold = convert(pd.read_parquet(ROOT / "data/sample/online_retail.parquet")).events
    sold = sold[sold["kind"] == "purchase"]
    cut = pairs(sold, "user_id", "item_id", None, 5)
    test = to_test(cut, "random", 0.2, 0)
    for name, rows in (("train.txt", cut[~test]), ("test.txt", cut[test])):
        write(folder / name, rows)
    return folder / "train.txt", folder / "test.txt"


def _ordered(model: str, line: Answer, k: int) -> dict[str, object]:
    keys = (*(f"{name}@{k}" for name in ("recall", "ndcg", "hit")), "fit_cpu_s", "score_cpu_s", "peak_mb", "params")
    return {"model": model, **{key: line[key] for key in (*keys, "error") if key in line}}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what was asked for; 2 where the split cannot be read, which is then every line's error."""
    asked = options(argv)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if asked.train is None:
                asked.train, asked.test = of_the_sample(Path(folder))
            split = read_split(asked.train, asked.test, asked.negatives)
        except DataError as error:
            print(f"quality.py: {error}", file=sys.stderr)
            for model in _models(asked):
                print(json.dumps({"model": model, "error": str(error)}))
            return 2
        for remark in remarks(split):
            tell(remark)
        lines(asked)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no process is left behind
    sys.exit(main())
