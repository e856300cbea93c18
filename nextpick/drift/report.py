"""The Evidently report of one night. Import it late, as nextpick.evidently_engine.

Evidently's own PSI uses bins of equal width, which on a heavy tail miss a true tripling, and its own thresholds do not
know the noise of baskets. So its report is given our statistics and our thresholds: what it shows is what alarmed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nextpick.drift import statistics
from nextpick.drift.columns import Column
from nextpick.drift.measures import comparable, known, usable_weeks
from nextpick.drift.verdict import Judgement
from nextpick.evidently_engine import (
    ColumnType,
    DataDefinition,
    DataDriftPreset,
    Dataset,
    Report,
    StatTest,
    register_stattest,
    save,
)
from nextpick.params import DriftParams

DRAWN = 100  # categories; more are told by the larger of them
TOO_FEW = "nextpick_too_few"
_TYPES = {"number": ColumnType.Numerical, "category": ColumnType.Categorical}
_SECOND = {"number": "ks", "category": "js"}
_NAMES = {"psi": "PSI, equal reference shares a bin", "ks": "KS distance D", "js": "Jensen-Shannon distance"}
_STATISTICS = {
    ("psi", "number"): statistics.numbers_psi,
    ("psi", "category"): statistics.categories_psi,
    ("ks", "number"): statistics.numbers_ks,
    ("js", "category"): statistics.categories_js,
}


def _register() -> None:
    """Make our statistics Evidently's, by name; a type a statistic is not for is refused by Evidently."""
    for statistic, title in _NAMES.items():
        kinds = [kind for name, kind in _STATISTICS if name == statistic]
        by_type = {_TYPES[kind]: _STATISTICS[statistic, kind] for kind in kinds}

        def test(
            reference: pd.Series, current: pd.Series, kind: Any, threshold: float, by_type: dict = by_type
        ) -> tuple[float, bool]:
            value = by_type[ColumnType(kind)](reference.to_numpy(), current.to_numpy())
            return value, value > threshold

        register_stattest(StatTest(_method(statistic), title, [_TYPES[kind] for kind in kinds]), test)
    register_stattest(
        StatTest(TOO_FEW, "too few rows to judge", list(_TYPES.values())), lambda *_: (float("nan"), False)
    )


def _method(statistic: str) -> str:
    return f"nextpick_{statistic}"


_register()


def write(path: Path, columns: Sequence[Column], judgement: Judgement, params: DriftParams) -> bool:
    """Write the report to `path`, whole or not at all; False, and no file, where no column has rows on both sides."""
    shown = [column for column in columns if len(known(column.current)) and any(len(known(w)) for w in column.weeks)]
    if not shown:
        return False
    save(report(shown, judgement, params), path)
    return True


def report(columns: Sequence[Column], judgement: Judgement, params: DriftParams) -> Any:
    """Evidently's snapshot: all columns by PSI, then by KS or Jensen-Shannon, with the judgement's thresholds."""
    definition = DataDefinition(
        numerical_columns=[column.name for column in columns if column.kind == "number"],
        categorical_columns=[column.name for column in columns if column.kind == "category"],
    )
    pairs = {column.name: _shown(column, params) for column in columns}
    current, reference = (_frame({name: pair[side] for name, pair in pairs.items()}) for side in (0, 1))
    presets = [_preset(columns, judgement, params, second) for second in (False, True)]
    return Report(presets, include_tests=False).run(
        Dataset.from_pandas(current, definition), Dataset.from_pandas(reference, definition)
    )


def _preset(columns: Sequence[Column], judgement: Judgement, params: DriftParams, second: bool) -> DataDriftPreset:
    thresholds = {(measure.column_name, measure.statistic): measure.threshold for measure in judgement.measures}
    statistic = {column.name: _SECOND[column.kind] if second else "psi" for column in columns}
    judged = {column.name for column in columns if comparable(column, params)}
    return DataDriftPreset(
        columns=[column.name for column in columns],
        per_column_method={name: _method(s) if name in judged else TOO_FEW for name, s in statistic.items()},
        per_column_threshold={name: thresholds.get((name, s)) or 0.0 for name, s in statistic.items()},
        drift_share=1 / (2 * len(columns)),  # one drifted column is enough for a warning
    )


def _shown(column: Column, params: DriftParams) -> tuple[np.ndarray, np.ndarray]:
    """The current rows and the reference's; a thousand categories nobody would look at, nor Evidently draw in time."""
    current, reference = known(column.current), _reference(column, params)
    if column.kind == "category" and len(set(reference) | set(current)) > DRAWN:
        return statistics.folded(current, reference), statistics.folded(reference, reference)
    return current, reference


def _reference(column: Column, params: DriftParams) -> np.ndarray:
    """The rows the judgement used; all of them where it made none."""
    if comparable(column, params):
        return np.concatenate(usable_weeks(column, params))
    return np.concatenate([known(week) for week in column.weeks])


def _frame(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Columns of different lengths side by side; Evidently leaves out what is missing, column by column."""
    return pd.concat({name: pd.Series(values) for name, values in columns.items()}, axis=1)
