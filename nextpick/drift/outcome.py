"""What became of answers: how many were followed by the user's taking what they showed, and how well they ranked it."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

import numpy as np

from nextpick.drift.windows import Window

ATTRIBUTION = timedelta(days=1)  # an item taken so soon after an answer that showed it counts as taken from it

Metric = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


class Followed(Protocol):
    """So many answers of a release with one and the same outcome within ATTRIBUTION: the user took `relevant` distinct
    items, among them those at `places` (int, from 0, ascending)."""

    @property
    def release_id(self) -> int: ...
    @property
    def places(self) -> np.ndarray: ...
    @property
    def relevant(self) -> int: ...
    @property
    def answers(self) -> int: ...


def ripe(window: Window) -> Window:
    """The answers of a window that have had their time: those of as long a window that ended ATTRIBUTION before. The
    same of a current and of a past window, so that both hold the same weekdays and hours."""
    start, end = window
    return start - ATTRIBUTION, end - ATTRIBUTION


def taken(followed: Iterable[Followed]) -> tuple[int, int]:
    """Of how many answers something shown was taken, and how many there were. A user's answers are not independent of
    each other, and one purchase may follow several."""
    counts = by_release(followed).values()
    return sum(some for some, _ in counts), sum(total for _, total in counts)


def by_release(followed: Iterable[Followed]) -> dict[int, tuple[int, int]]:
    """The same of each release, by its id."""
    counts: dict[int, tuple[int, int]] = {}
    for one in followed:
        some, total = counts.get(one.release_id, (0, 0))
        counts[one.release_id] = some + one.answers * bool(len(one.places)), total + one.answers
    return counts


def online(followed: Iterable[Followed], k: int, metric: Metric) -> np.ndarray:
    """One of `nextpick.evaluation.metrics`, such as ndcg_at_k, of each answer whose user took anything: float64 (n,).

    The mean of ndcg_at_k is the online ndcg: what a user took within ATTRIBUTION is relevant, shown or not, so that an
    ideal answer has min(k, distinct items taken) hits at its top. Answers whose user took nothing say nothing of the
    order and are not in it; `taken` counts them. It lies above an offline ndcg where people take what they are shown
    because it is shown, and below where they come for something else: only its moves mean something.
    """
    some = [one for one in followed if one.relevant]
    hits = np.zeros((len(some), k), bool)
    for row, one in zip(hits, some, strict=True):
        row[one.places[one.places < k]] = True
    relevant, answers = (np.array([getattr(one, name) for one in some], np.int64) for name in ("relevant", "answers"))
    return np.repeat(metric(hits, relevant, k), answers)
