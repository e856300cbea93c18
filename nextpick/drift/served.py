"""Columns of served answers: the scores, and the features the ranker really read, from the logged impressions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from nextpick.drift.columns import SERVED, Column, Kind
from nextpick.drift.windows import Windows

SCORE, SOURCE = "score", "source"


class Answer(Protocol):
    """One logged answer of k items."""

    @property
    def release_id(self) -> int: ...
    @property
    def answered_at(self) -> datetime: ...
    @property
    def scores(self) -> np.ndarray: ...
    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def features(self) -> np.ndarray | None: ...


def served_columns(answers: Sequence[Answer], names: Mapping[int, Sequence[str]], windows: Windows) -> list[Column]:
    """One column a feature, and `served_score` and `served_source`; one row a served item, features only where the
    ranker ran. A release that is not in `names` has no features here. No answers, no columns.
    """
    parts = [_values(_between(answers, window), names) for window in (windows.current, *windows.weeks)]
    found = sorted({(name, kind) for part in parts for name, (kind, _) in part.items()})
    nothing: dict[Kind, np.ndarray] = {"number": np.empty(0), "category": np.empty(0, object)}
    return [
        Column(
            f"{SERVED}{name}",
            kind,
            parts[0].get(name, (kind, nothing[kind]))[1],
            tuple(part.get(name, (kind, nothing[kind]))[1] for part in parts[1:]),
        )
        for name, kind in found
    ]


def _between(answers: Sequence[Answer], window: tuple[datetime, datetime]) -> list[Answer]:
    return sorted(
        (answer for answer in answers if window[0] <= answer.answered_at < window[1]),
        key=lambda answer: answer.answered_at,
    )


def _values(answers: Sequence[Answer], names: Mapping[int, Sequence[str]]) -> dict[str, tuple[Kind, np.ndarray]]:
    """Each column's values of these answers, in their order."""
    numbers: dict[str, list[np.ndarray]] = {}
    sources: list[str] = []
    for answer in answers:
        sources += answer.sources
        ranked = np.isfinite(answer.scores)
        numbers.setdefault(SCORE, []).append(answer.scores[ranked])
        known = names.get(answer.release_id, ())
        if answer.features is not None and known and len(answer.features) == len(known) * len(answer.scores):
            table = answer.features.reshape(len(answer.scores), len(known))[ranked]
            for place, name in enumerate(known):
                numbers.setdefault(name, []).append(table[:, place])
    values: dict[str, tuple[Kind, Any]] = {
        name: ("number", np.concatenate(parts).astype(np.float64)) for name, parts in numbers.items()
    }
    if sources:
        values[SOURCE] = ("category", np.array(sources, dtype=object))
    return values
