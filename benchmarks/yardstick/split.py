"""A split of the literature: what to learn from, what to find, and perhaps among which items."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from nextpick.errors import DataError
from nextpick.features.histories import Histories
from nextpick.schema import US_PER_DAY

Timing = Literal["time", "order", "none"]
Cut = Literal["random", "last", "untold"]
AS_OF = 1_000_000 * US_PER_DAY  # of a split without times; anything would do
_TABLES = (".csv", ".tsv", ".parquet", ".rating")
_SORTED = 0.9  # share of neighbours in a line that ascend, or descend, from which on the lines tell no order


@dataclass(frozen=True)
class Split:
    """`train` has weight 1 an entry; `test` and `negatives` are float32 CSR of ones, (users, items).

    timing says what the times of train are: "time" real ones; "order" a day for each place in a user's line, the last
    item being the newest; "none" all the same. cut says, by the times of both, whether the test has the last of each
    user's items or any. Where there are negatives, every user of the test has some.
    """

    train: Histories
    test: csr_matrix
    negatives: csr_matrix | None
    timing: Timing
    cut: Cut = "untold"

    @property
    def users(self) -> np.ndarray:
        """The rows of users with something to find, int32 ascending."""
        return np.flatnonzero(np.diff(self.test.indptr)).astype(np.int32)


def read_split(train: Path, test: Path, negatives: Path | None = None) -> Split:
    """The split in these files. The catalogue is every item that any of them names. Times that are all the same tell
    nothing.

    Raises: DataError, naming file and line or column.
    """
    parts = [read_pairs(path) for path in (train, test, *([negatives] if negatives else []))]
    users, items = (pd.Index(pd.unique(pd.concat([part[name] for part in parts]))) for name in ("user", "item"))
    shape = len(users), len(items)
    rows = [(users.get_indexer(part["user"]), items.get_indexer(part["item"])) for part in parts]
    if not len(parts[0]) or not len(parts[1]):
        raise DataError(f"{test if len(parts[0]) else train} has no user with an item: there is nothing to measure.")
    time = parts[0].get("time")
    learnt, timing = _histories(*rows[0], time if _differ(time) else None, shape, _tells_order(parts[0]))
    sought, *among = [_ones(*pair, shape) for pair in rows[1:]]
    if among:
        _refuse_without_rivals(negatives, sought, among[0], users)
    cut = _cut(learnt, rows[1][0], parts[1].get("time")) if timing == "time" else "untold"
    return Split(learnt, sought, among[0] if among else None, timing, cut)


def _refuse_without_rivals(path: Path | None, sought: csr_matrix, among: csr_matrix, names: pd.Index) -> None:
    """A user who has no negatives would find what they seek whoever ranks: the figures would say nothing."""
    seeking = np.diff(sought.indptr) > 0
    alone = np.flatnonzero(seeking & (np.diff(among.indptr) == 0))
    if len(alone):
        raise DataError(
            f"{path} has no items for {len(alone)} of the {seeking.sum()} users of the test, such as "
            f"{names[alone[0]]!r}: what they seek would be all there is to rank. Add their lines, or leave these users "
            "out of the test."
        )


def read_pairs(path: Path) -> pd.DataFrame:
    """user and item (text) of each pair in the file's order, and time where it has one. Raises: DataError."""
    if not path.is_file():
        raise DataError(f"{path} is not a file. Name one with lines `user item item ...`, a .csv or a .parquet.")
    if path.suffix.lower() in _TABLES:
        return _pairs_of(path, _read_table(path))
    try:
        lines = list(_lines(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text ({error}). Name a table .csv, .tsv or .parquet.") from None
    sizes = [len(line) - 1 for line in lines]
    users = np.repeat(np.array([line[0] for line in lines], dtype=object), sizes)
    return pd.DataFrame({"user": users, "item": [item for line in lines for item in line[1:]]}, dtype=object)


def _lines(path: Path) -> Iterator[list[str]]:
    """The words of each line; a first word `(user,item)`, as in the negatives of the NCF papers, is its user."""
    with path.open(encoding="utf-8-sig") as file:  # some editors begin a file with a mark, which is no part of an id
        for line in file:
            words = line.split()
            if words and (pair := re.fullmatch(r"\(\s*([^,\s]+),[^)]*\)", words[0])):
                words[0] = pair[1]
            if words:
                yield words


def _read_table(path: Path) -> pd.DataFrame:
    kind = path.suffix.lower()
    asked: dict[str, Any] = {"sep": "," if kind == ".csv" else "\t", "dtype": {"user": str, "item": str}}
    asked["index_col"] = False  # where rows have more than the header, pandas would take the first for names of rows
    if kind == ".rating":
        asked |= {"header": None, "names": ["user", "item", "rating", "time"]}
    try:  # an item may be called NA, or null
        if kind == ".parquet":
            return pd.read_parquet(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a loss of columns
            return pd.read_csv(path, keep_default_na=False, na_values=[""], **asked)
    except pd.errors.ParserWarning:
        raise DataError(f"{path} has rows of more columns than {asked.get('names', 'its header')}.") from None
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{path} cannot be read as {kind[1:]}: {error}.") from None


def _pairs_of(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    if missing := {"user", "item"} - set(table.columns):
        columns = ", ".join(map(str, table.columns))
        raise DataError(f"{path} has columns {columns}: {' and '.join(sorted(missing))} missing.")
    if (empty := table[["user", "item"]].isna().any(axis=1)).any():
        raise DataError(f"{path}: row {int(np.flatnonzero(empty)[0]) + 1} has no user or no item.")
    pairs = pd.DataFrame({"user": _ids(table["user"]), "item": _ids(table["item"])}, dtype=object)
    if "time" in table and table["time"].notna().any():
        pairs["time"] = _microseconds(path, table["time"])
    return pairs


def _ids(column: pd.Series) -> pd.Series:
    """As text; 7.0 is 7, as other files call it."""
    if pd.api.types.is_float_dtype(column) and (column == column.round()).all():
        column = column.astype("int64")
    return column.astype(str)


def _microseconds(path: Path, times: pd.Series) -> np.ndarray:
    """int64, from numbers (since 1970, in the unit that their size tells) or from dates."""
    try:
        if pd.api.types.is_numeric_dtype(times):
            at = pd.to_datetime(times, unit=_unit(times), utc=True)
        else:
            at = pd.to_datetime(times, utc=True, format="ISO8601")
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}: time is neither seconds since 1970 nor ISO 8601: {error}.") from None
    if at.isna().any():
        raise DataError(f"{path}: row {int(np.flatnonzero(at.isna())[0]) + 1} has no time.")
    return at.dt.as_unit("us").astype("int64").to_numpy()


def _unit(times: pd.Series) -> str:
    """Seconds below 1e11, which is the year 5138; of more digits milli-, micro- or nanoseconds."""
    largest = times.abs().max()
    return next((unit for unit, end in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if largest < end), "ns")


def _cut(learnt: Histories, users: np.ndarray, time: pd.Series | None) -> Cut:
    """What the times of the test's pairs tell of how it was cut; which items they are does not matter."""
    if time is None:
        return "untold"
    newest = np.full(len(learnt), np.iinfo(np.int64).min)
    np.maximum.at(newest, learnt.user_rows, learnt.last_at)
    after = float((time.to_numpy(np.int64) >= newest[users]).mean())
    return "last" if after > 0.95 else "random" if after < 0.6 else "untold"


def _differ(time: pd.Series | None) -> bool:
    return time is not None and bool(np.ptp(time.to_numpy(np.int64)) > 0)


def _tells_order(pairs: pd.DataFrame) -> bool:
    """Whether the order of a user's items is not just that of their ids, up or down, as numbers or as text."""
    users, ids = pairs["user"].to_numpy(), pd.to_numeric(pairs["item"], errors="coerce")
    keys = [pairs["item"].astype("category").cat.codes.to_numpy(), *([ids.to_numpy()] if ids.notna().all() else [])]
    up = [(one[1:] > one[:-1])[(users[1:] == users[:-1]) & (one[1:] != one[:-1])] for one in keys]
    return all(len(one) > 0 and 1 - _SORTED < float(one.mean()) < _SORTED for one in up)


def _histories(
    users: np.ndarray, items: np.ndarray, time: pd.Series | None, shape: tuple[int, int], ordered: bool
) -> tuple[Histories, Timing]:
    timing: Timing = "none" if not ordered else "order"
    at = np.arange(len(users), dtype=np.int64)
    if time is not None:
        timing, at = "time", time.to_numpy(np.int64)
    frame = pd.DataFrame({"user": users, "item": items, "at": at})
    entries = frame.groupby(["user", "item"], sort=True)["at"].agg(["size", "min", "max"]).reset_index()
    first, last = entries["min"].to_numpy(np.int64), entries["max"].to_numpy(np.int64)
    known = Histories(
        as_of=int(at.max(initial=0)) + 1 if timing == "time" else AS_OF,
        n_items=shape[1],
        indptr=np.searchsorted(entries["user"], np.arange(shape[0] + 1)).astype(np.int64),
        item_rows=entries["item"].to_numpy(np.int32),
        counts=entries["size"].to_numpy(np.int32),
        weights=np.ones(len(entries), np.float32),
        first_at=first,
        last_at=last,
    )
    return (known if timing == "time" else placed(known, timing)), timing


def placed(known: Histories, timing: Timing) -> Histories:
    """The same with a day between neighbours in a user's order, the newest being a moment old; none where untold."""
    ago = np.zeros(len(known.item_rows), np.int64)
    if timing == "order":
        order = np.lexsort((-known.last_at, known.user_rows))
        ago[order] = np.arange(len(order)) - known.indptr[known.user_rows[order]]
    at = known.as_of - 1 - ago * US_PER_DAY
    return Histories(
        known.as_of, known.n_items, known.indptr, known.item_rows, known.counts, known.weights, at, at
    )  # fmt: skip


def _ones(users: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    out = csr_matrix((np.ones(len(users), np.float32), (users, items)), shape=shape)
    out.sort_indices()
    out.data[:] = 1
    return out
