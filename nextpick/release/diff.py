"""What a new release changes for its readers, and whether that is too much: pure, block by block of users.

Two releases may come from two bundles, so items are told by their ids and numbered anew here (`Shelf`). What is kept
between blocks grows with the catalogue, not with the users.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from nextpick.features.items import ITEM_FEATURES

BINS = 1000  # of the overlap, which lies in [0, 1]
WORST = 20  # users named
HEAD_SHARE = 0.2  # of the interactions: what the most popular items have


@dataclass(frozen=True)
class Shelf:
    """The items of both releases, numbered: `new` and `live` (int32) give the number of each of a release's rows.

    `popular` and `unavailable` are bool masks over the numbers: the most popular items in the new release's last 28
    days, and those nobody may be shown now.
    """

    ids: tuple[str, ...]
    new: np.ndarray
    live: np.ndarray
    popular: np.ndarray
    unavailable: np.ndarray


@dataclass(frozen=True)
class Lists:
    """The lists of some users in one release: user i's is items[starts[i]:starts[i + 1]], numbers of the shelf, best
    first. `there` (bool) is False where the release does not know the user."""

    items: np.ndarray
    starts: np.ndarray
    there: np.ndarray


@dataclass(frozen=True)
class Side:
    """What is counted of one release; `shown` is a bool mask: the items in the first k of somebody's list."""

    users: int
    empty: int
    short: int
    length: int
    places: int
    popular: int
    unavailable: int
    shown: np.ndarray


@dataclass(frozen=True)
class Part:
    """What is counted of some users. `overlaps` (int64) are users by overlap, in BINS equal steps and one for 1."""

    new: Side
    live: Side
    gained: int
    lost: int
    overlap: float
    overlaps: np.ndarray
    worst: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Figures:
    """One release: users, items; the mean list's length; and shares.

    `empty` and `short` (fewer than k items) are shares of the users, `coverage` of the items, `popularity_share` of
    the first k places, `unavailable` of all places. A share of nothing is 0.
    """

    users: int
    items: int
    length: float
    empty: float
    short: float
    coverage: float
    popularity_share: float
    unavailable: float


@dataclass(frozen=True)
class Diff:
    """The new release beside the live one; `live` is None where none is, and of overlap there is then nothing.

    `overlap` is the mean over users whom both know, `deciles` the nine between its tenths, `histogram` the users by
    overlap in ten equal steps and one for 1; `worst` are users whose lists changed most, with their overlap.
    """

    k: int
    gained: int
    lost: int
    both: int
    overlap: float | None
    deciles: tuple[float, ...]
    histogram: tuple[int, ...]
    worst: tuple[tuple[float, str], ...]
    new: Figures
    live: Figures | None


def shelf(new: Sequence[Sequence[object]], live: Sequence[Sequence[object]], unavailable: frozenset[str]) -> Shelf:
    """From the rows of `release_items` of both, in row order: (item_row, item_id, ..., features)."""
    new_ids, live_ids = ([str(row[1]) for row in rows] for rows in (new, live))
    numbers = {item_id: number for number, item_id in enumerate(dict.fromkeys([*new_ids, *live_ids]))}
    month = ITEM_FEATURES.index("popularity_28d")
    taken = np.zeros(len(numbers))
    taken[: len(new)] = [row[5][month] for row in new]  # type: ignore[index]
    return Shelf(
        ids=tuple(numbers),
        new=np.arange(len(new), dtype=np.int32),
        live=np.array([numbers[item_id] for item_id in live_ids], np.int32),
        popular=_head(taken),
        unavailable=np.array([item_id in unavailable for item_id in numbers], bool),
    )


def nothing(items: Shelf) -> Part:
    """The count before the first block."""
    side = Side(0, 0, 0, 0, 0, 0, 0, np.zeros(len(items.ids), bool))
    return Part(side, side, 0, 0, 0.0, np.zeros(BINS + 1, np.int64), ())


def count(user_ids: Sequence[str], new: Lists, live: Lists, items: Shelf, k: int) -> Part:
    """What is to be counted of a block of users, each of whom one release or both know."""
    both = np.flatnonzero(new.there & live.there)
    overlap = _overlap(new, live, both, k, len(items.ids))
    worst = both[np.lexsort((both, overlap))[:WORST]]
    by_user = dict(zip(both.tolist(), overlap.tolist(), strict=True))
    return Part(
        new=_side(new, items, k),
        live=_side(live, items, k),
        gained=int((new.there & ~live.there).sum()),
        lost=int((live.there & ~new.there).sum()),
        overlap=float(overlap.sum()),
        overlaps=np.bincount((overlap * BINS + 1e-9).astype(np.int64), minlength=BINS + 1),
        worst=tuple((by_user[user], user_ids[user]) for user in worst.tolist()),
    )


def joined(a: Part, b: Part) -> Part:
    """What is counted of the users of both."""
    return Part(
        new=_both(a.new, b.new),
        live=_both(a.live, b.live),
        gained=a.gained + b.gained,
        lost=a.lost + b.lost,
        overlap=a.overlap + b.overlap,
        overlaps=a.overlaps + b.overlaps,
        worst=tuple(sorted((*a.worst, *b.worst))[:WORST]),
    )


def diff(parts: Iterable[Part], items: Shelf, k: int, has_live: bool) -> Diff:
    """The figures of all users; `has_live` says whether there is a release to compare with."""
    whole = reduce(joined, parts, nothing(items))
    both = int(whole.overlaps.sum())
    return Diff(
        k=k,
        gained=whole.gained,
        lost=whole.lost,
        both=both,
        overlap=whole.overlap / both if both else None,
        deciles=_deciles(whole.overlaps) if both else (),
        histogram=(*whole.overlaps[:-1].reshape(10, -1).sum(axis=1).tolist(), int(whole.overlaps[-1])) if both else (),
        worst=tuple((round(overlap, 6), user) for overlap, user in whole.worst if overlap < 1),
        new=_figures(whole.new, len(items.new)),
        live=_figures(whole.live, len(items.live)) if has_live else None,
    )


def from_json(told: Mapping[str, Any]) -> Diff:
    """A diff from what `dataclasses.asdict` made of it, and JSON of that; other keys are left alone."""
    plain = {name: told[name] for name in ("k", "gained", "lost", "both", "overlap")}
    return Diff(
        **plain,
        deciles=tuple(told["deciles"]),
        histogram=tuple(told["histogram"]),
        worst=tuple((overlap, user) for overlap, user in told["worst"]),
        new=Figures(**told["new"]),
        live=Figures(**told["live"]) if told["live"] else None,
    )


def _overlap(new: Lists, live: Lists, users: np.ndarray, k: int, n_items: int) -> np.ndarray:
    """Of each of `users`: the items that the first k of both lists share over the longer one's; 1 where both are
    empty."""
    a, b = (_first(lists, k) for lists in (new, live))
    codes_a, codes_b = (owner.astype(np.int64) * n_items + item for owner, item in (a, b))
    common = np.bincount(a[0][np.isin(codes_a, codes_b)], minlength=len(new.there))[users]
    longer = np.maximum(*(np.minimum(np.diff(lists.starts), k)[users] for lists in (new, live)))
    return np.divide(common, longer, out=np.ones(len(users)), where=longer > 0)


def _first(lists: Lists, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The user's place in the block and the item of the first k places of every list."""
    sizes = np.diff(lists.starts)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    kept = np.arange(len(lists.items)) - lists.starts[:-1][owner] < k
    return owner[kept], lists.items[kept]


def _side(lists: Lists, items: Shelf, k: int) -> Side:
    sizes = np.diff(lists.starts)[lists.there]
    _, first = _first(lists, k)
    shown = np.zeros(len(items.ids), bool)
    shown[first] = True
    return Side(
        users=len(sizes),
        empty=int((sizes == 0).sum()),
        short=int((sizes < k).sum()),
        length=len(lists.items),
        places=len(first),
        popular=int(items.popular[first].sum()),
        unavailable=int(items.unavailable[lists.items].sum()),
        shown=shown,
    )


def _both(a: Side, b: Side) -> Side:
    counted = {name: getattr(a, name) + getattr(b, name) for name in vars(a) if name != "shown"}
    return replace(a, **counted, shown=a.shown | b.shown)


def _figures(side: Side, n_items: int) -> Figures:
    return Figures(
        users=side.users,
        items=n_items,
        length=_share(side.length, side.users),
        empty=_share(side.empty, side.users),
        short=_share(side.short, side.users),
        coverage=_share(int(side.shown.sum()), n_items),
        popularity_share=_share(side.popular, side.places),
        unavailable=_share(side.unavailable, side.length),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _deciles(overlaps: np.ndarray) -> tuple[float, ...]:
    """The lower nearest rank of each tenth, to one part in BINS."""
    upto, n = np.cumsum(overlaps), int(overlaps.sum())
    return tuple(float(np.searchsorted(upto, tenth * n / 10)) / BINS for tenth in range(1, 10))


def _head(taken: np.ndarray) -> np.ndarray:
    """The fewest items that make up HEAD_SHARE of what was taken: as `nextpick.evaluation.lists.popularity_share`."""
    order = np.lexsort((np.arange(len(taken)), -taken))
    upto = np.cumsum(taken[order])
    mask = np.zeros(len(taken), bool)
    if len(upto) and upto[-1] > 0:
        mask[order[: int(np.searchsorted(upto, HEAD_SHARE * upto[-1])) + 1]] = True
    return mask
