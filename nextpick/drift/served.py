"""Columns of served answers: the scores, and the features the ranker really read, from the logged impressions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

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
    """Each column's values of these answers, release by release in their order."""
    if not answers:
        return {}
    scores = np.concatenate([answer.scores for answer in answers])
    values: dict[str, tuple[Kind, np.ndarray]] = {
        name: ("number", np.concatenate(parts).astype(np.float64)) for name, parts in _features(answers, names).items()
    }
    values[SCORE] = "number", scores[np.isfinite(scores)].astype(np.float64)
    if sources := [source for answer in answers for source in answer.sources]:
        values[SOURCE] = "category", np.array(sources, dtype=object)
    return values


def _features(answers: Sequence[Answer], names: Mapping[int, Sequence[str]]) -> dict[str, list[np.ndarray]]:
    """By name, what the ranker read of each item it scored: an array a release that names its features."""
    found: dict[str, list[np.ndarray]] = {}
    for release_id, known in names.items():
        logged = [
            (answer.features, answer.scores)
            for answer in answers
            if answer.release_id == release_id
            and answer.features is not None
            and len(answer.features) == len(known) * len(answer.scores)
        ]
        if logged and known:
            features, scores = (np.concatenate(parts) for parts in zip(*logged, strict=True))
            table = features.reshape(-1, len(known))[np.isfinite(scores)].T
            for name, values in zip(known, table, strict=True):
                found.setdefault(name, []).append(values)
    return found
