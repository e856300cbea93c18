"""Lists as they were served: how much of the catalogue they show, how much of what is popular, how much they change."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

import numpy as np
from scipy.special import gammaln

HEAD_SHARE, HEAD_LEAST = 0.01, 20  # of the items, and items: the head of the catalogue
MIN_PAIRS = 50  # of an answer and the one before it: fewer say nothing


class Shown(Protocol):
    """The answers of a window, each user's one after the other in order of time.

    Answer i is for users[i] (int32, -1: nobody known), and showed the distinct items item_rows[starts[i]:starts[i + 1]]
    (int32), whose ids are in `item_ids`. `starts` is int64 (answers + 1,).
    """

    @property
    def users(self) -> np.ndarray: ...
    @property
    def starts(self) -> np.ndarray: ...
    @property
    def item_rows(self) -> np.ndarray: ...
    @property
    def item_ids(self) -> Sequence[str]: ...


def alike(answers: Sequence[int], least: int) -> int:
    """At how many answers the coverages of windows with so many are compared: as many as the smallest has of those with
    `least` or more, so that each of these weeks tells how far weeks differ; 0 where there is none."""
    return min((some for some in answers if some >= least), default=0)


def coverage(shown: Shown, n: int, catalogue: int) -> float | None:
    """The share of a catalogue of so many items that n of the answers show, on average over all ways to draw n.

    More answers show more items, so windows are compared at the same n. Hurlbert, *The nonconcept of species diversity*
    (Ecology 1971), where it is called rarefaction: exact, where a draw by a seed would add chance of its own. None
    where there are fewer than n answers, or n is 0.
    """
    total = len(shown.users)
    if not 0 < n <= total or not catalogue:
        return None
    times = np.bincount(shown.item_rows, minlength=len(shown.item_ids))
    times = times[times > 0]
    others = total - times  # answers without the item: C(others, n) draws of the C(total, n) miss it
    missed = np.zeros(len(times))
    some = others >= n
    missed[some] = np.exp(_log_choose(others[some], n) - _log_choose(np.array(total), n))
    return float((1 - missed).sum() / catalogue)


def head(popularity: Mapping[str, int], catalogue: int) -> frozenset[str]:
    """The most popular hundredth of so many items, HEAD_LEAST at least: `popularity` counts how often each was taken
    before the window. Of equals the lower ids; nothing that nobody took."""
    n = max(HEAD_LEAST, round(catalogue * HEAD_SHARE))
    return frozenset(sorted(popularity, key=lambda item: (-popularity[item], item))[:n])


def popularity_share(shown: Shown, popular: AbstractSet[str]) -> float | None:
    """The share of all places that `popular` items have; None without places."""
    if not len(shown.item_rows):
        return None
    mask = np.fromiter((item in popular for item in shown.item_ids), bool, len(shown.item_ids))
    return float(mask[shown.item_rows].mean())


def churn(shown: Shown) -> float | None:
    """The share of an answer's items that the answer before it, to the same user in the window, did not show: the mean
    over answers that have one and show anything; None where these are fewer than MIN_PAIRS."""
    answers = len(shown.users)
    again = np.zeros(answers, bool)
    again[1:] = (shown.users[1:] == shown.users[:-1]) & (shown.users[1:] >= 0)
    sizes = np.diff(shown.starts)
    counted = again & (sizes > 0)
    if counted.sum() < MIN_PAIRS:
        return None
    of = np.repeat(np.arange(answers), sizes)
    width = len(shown.item_ids)
    there = of * width + shown.item_rows
    mine = again[of]
    new = ~np.isin(there[mine] - width, there)
    share = np.bincount(of[mine], new, answers)[counted] / sizes[counted]
    return float(share.mean())


def _log_choose(n: np.ndarray, k: int) -> np.ndarray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
