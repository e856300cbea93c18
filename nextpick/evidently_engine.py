"""The only module that imports evidently, which costs 8 CPU-seconds: import it late."""

import os
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # evidently 0.7.23's own affairs: stray backslashes, what litestar will remove
    from evidently import DataDefinition, Dataset, Report
    from evidently.core.datasets import Recsys
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType
    from evidently.metrics import recsys
    from evidently.presets import DataDriftPreset

__all__ = [
    "ColumnType",
    "DataDefinition",
    "DataDriftPreset",
    "Dataset",
    "Recsys",
    "Report",
    "StatTest",
    "recsys",
    "register_stattest",
    "save",
]


def save(snapshot: Any, path: Path) -> None:
    """Write a report that has run to `path`, whole or not at all; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        snapshot.save_html(str(beside))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
