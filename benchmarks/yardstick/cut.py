"""Cut a table of interactions into the files that quality.py reads.

    python -m benchmarks.yardstick.cut --data ratings.csv --user userId --item movieId --time timestamp \\
        --where "rating >= 4" --core 5 --by random --out ml/

writes ml/train.csv and ml/test.csv (user,item,time; lines `user item item ...` in .txt where no --time is named), and
with --negatives 99 also ml/negatives.txt: for each user so many items that they have in neither.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from nextpick.errors import DataError


def pairs(table: pd.DataFrame, user: str, item: str, time: str | None, core: int) -> pd.DataFrame:
    """Each pair once, at its first time, of users and items with at least `core`; users together, by time.

    Raises: DataError where a column is missing, or nothing is left.
    """
    if missing := [column for column in (user, item, time) if column and column not in table]:
        raise DataError(f"There is no column {', '.join(missing)}; there are {', '.join(map(str, table.columns))}.")
    named = {user: "user", item: "item", **({time: "time"} if time else {})}
    out = table[list(named)].rename(columns=named).dropna()
    if time:
        out = out.sort_values("time", kind="stable")
    out = out.drop_duplicates(["user", "item"])
    while True:
        counts = [out.groupby(side)["item"].transform("size") for side in ("user", "item")]
        kept = (counts[0] >= core) & (counts[1] >= core)
        if out.empty:
            raise DataError(f"No user and item has {core} of the other: ask for a smaller --core, or for other rows.")
        if kept.all():
            return out.sort_values("user", kind="stable").reset_index(drop=True)
        out = out[kept]


def to_test(cut: pd.DataFrame, by: str, share: float, seed: int) -> np.ndarray:
    """Which rows are the test's, bool. random, last: a share of each user's, at least one; one: their last."""
    draw = np.random.default_rng(seed)
    place = cut.groupby("user").cumcount(ascending=False).to_numpy()
    sizes = cut.groupby("user")["item"].transform("size").to_numpy()
    if by == "random":
        lot = pd.Series(draw.random(len(cut)))
        place = lot.groupby(cut["user"].to_numpy()).rank(method="first").to_numpy() - 1
    wanted = np.ones(len(cut)) if by == "one" else np.maximum(np.round(share * sizes), 1)
    return (place < wanted) & (sizes > 1)


def unseen(cut: pd.DataFrame, n: int, seed: int) -> dict[object, list[object]]:
    """For each user n items of the catalogue, drawn evenly, none of them theirs; all there are, where fewer."""
    draw = np.random.default_rng(seed)
    items = cut["item"].unique()
    return {
        user: draw.permutation(np.setdiff1d(items, own.to_numpy()))[:n].tolist()
        for user, own in cut.groupby("user")["item"]
    }


def write(path: Path, rows: pd.DataFrame) -> None:
    """As .csv, or as lines in .txt."""
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        write_lines(path, {user: own.tolist() for user, own in rows.groupby("user", sort=False)["item"]})


def write_lines(path: Path, items_of: dict[object, list[object]]) -> None:
    """A line for each user: their id and the ids of the items. Raises: DataError where an id is not one word."""
    ids = {str(word) for user, items in items_of.items() for word in (user, *items)}
    if odd := sorted(word for word in ids if len(word.split()) != 1):
        raise DataError(f"{path.name} has words between spaces, and {odd[0]!r} is not one: number these ids first.")
    path.write_text("".join(f"{user} {' '.join(map(str, items))}\n" for user, items in items_of.items()))


def main(arguments: list[str] | None = None) -> int:
    """Read, cut, write, and say how much there is of each."""
    asked = _parser().parse_args(arguments)
    try:
        said = _cut(asked)
    except DataError as error:
        print(f"cut: {error}", file=sys.stderr)
        return 1
    print(said, file=sys.stderr)
    return 0


def _cut(asked: argparse.Namespace) -> str:
    table = pd.read_parquet(asked.data) if asked.data.suffix == ".parquet" else pd.read_csv(asked.data)
    cut = pairs(table.query(asked.where) if asked.where else table, asked.user, asked.item, asked.time, asked.core)
    test = to_test(cut, asked.by, asked.share, asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    suffix = "csv" if asked.time else "txt"
    write(asked.out / f"train.{suffix}", cut[~test])
    write(asked.out / f"test.{suffix}", cut[test])
    if asked.negatives:
        write_lines(asked.out / "negatives.txt", unseen(cut, asked.negatives, asked.seed))
    users, items = cut["user"].nunique(), cut["item"].nunique()
    return f"{users} users, {items} items, {(~test).sum()} pairs to learn from, {test.sum()} to find"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=".csv or .parquet")
    parser.add_argument("--user", default="user")
    parser.add_argument("--item", default="item")
    parser.add_argument("--time", help="the column of times; orders each user's items")
    parser.add_argument("--where", help='rows to keep, as pandas.query has it: "rating >= 4"')
    parser.add_argument("--core", type=int, default=1, help="leave out users and items with fewer, again and again")
    parser.add_argument("--by", choices=("random", "last", "one"), default="random")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--negatives", type=int, default=0, help="items for each user to rank the test among")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
