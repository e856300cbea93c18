"""A rehearsal: how good parameters would have been on the label windows, each foretold from what was before it.

The test window is cut off before anything else is done, so nothing that is chosen here can know it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nextpick.data.microseconds import microseconds
from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows, between
from nextpick.errors import DataError
from nextpick.evaluation.report import per_user
from nextpick.evaluation.trial import two_stage
from nextpick.features.histories import Histories, histories
from nextpick.features.holdout import Holdout, holdout
from nextpick.models.candidates import KINDS
from nextpick.models.generator import Generator
from nextpick.models.training import learn
from nextpick.params import Params
from nextpick.schema import SHOWN_AT

FOLDS = 2  # at most: the newest label windows; each has its ranker learnt on the label windows before it
_KEPT = 2  # fitted generators of a kind and window: those of the best parameters so far, and those being tried


class Rehearsal:
    """Of one snapshot, and parameters that differ only in pool, generators and ranker. Remembers fitted generators."""

    def __init__(self, snapshot: Snapshot, params: Params) -> None:
        """Raises: DataError where there are not two label windows, or nobody took anything in the newest."""
        windows = snapshot.windows
        if len(windows.labels) < 2:
            raise DataError(
                "There is one label window, and a search needs two: one to learn from, one to judge by. "
                "Load more history, or lower split.label_days or raise split.label_windows in params.yaml."
            )
        known = between(snapshot.interactions, -(2**62), windows.test_from)
        shown = snapshot.shown[microseconds(snapshot.shown[SHOWN_AT]) < windows.test_from]
        self._snapshot = Snapshot.of(known, snapshot.catalogue, windows, snapshot.data_md5, shown)
        newest_first = range(len(windows.labels) - 1, 0, -1)[:FOLDS]
        held = {at: holdout(self._snapshot, params, *windows.labels[at]) for at in newest_first}
        self._held: dict[int, Holdout] = {at: one for at, one in held.items() if len(one.users)}
        if newest_first[0] not in self._held:
            raise DataError("Nobody took anything in the newest label window. Load newer events, or raise label_days.")
        self._before: dict[int, Histories] = {}
        self._fitted: OrderedDict[tuple[str, int, str], Generator] = OrderedDict()

    @property
    def windows(self) -> int:
        """How many label windows are measured."""
        return len(self._held)

    @property
    def users(self) -> int:
        """How many users are measured, one in two windows counting twice."""
        return sum(len(held.users) for held in self._held.values())

    def ndcg(self, params: Params) -> Iterator[float]:
        """The mean ndcg@evaluation.k of the two-stage lists over all users of the windows so far, newest first."""
        each: list[np.ndarray] = []
        for at in self._held:
            each.append(self._of_window(params, at))
            yield float(np.concatenate(each).mean())

    def _of_window(self, params: Params, at: int) -> np.ndarray:
        """Of each user of a window; ranker and candidates know only what was before it."""
        starts, ends = zip(*self._snapshot.windows.labels, strict=True)
        as_of_then = replace(self._snapshot, windows=Windows(starts[:at], starts[at], ends[at]))
        ranker = learn(as_of_then, params, lambda window: self._generators(params, window))
        trial = two_stage(self._generators(params, at), ranker, self._held[at], params)
        return per_user(trial.lists, self._held[at], params.evaluation.k)[f"ndcg_at_{params.evaluation.k}"]

    def _generators(self, params: Params, at: int) -> dict[str, Generator]:
        return {name: self._generator(params, name, at) for name in params.generators}

    def _generator(self, params: Params, name: str, at: int) -> Generator:
        section = getattr(params, name, None)
        key = (name, at, section.model_dump_json() if section else "")
        if key not in self._fitted:
            alike = [other for other in self._fitted if other[:2] == key[:2]]
            for other in alike[: len(alike) - _KEPT + 1]:
                del self._fitted[other]
            self._fitted[key] = KINDS[name].fit(self._histories(params, at), params)
        self._fitted.move_to_end(key)
        return self._fitted[key]

    def _histories(self, params: Params, at: int) -> Histories:
        if at not in self._before:
            whole = self._snapshot
            start = whole.windows.labels_from[at]
            self._before[at] = histories(whole.interactions, whole.users, whole.items, params.data.kinds, start)
        return self._before[at]
