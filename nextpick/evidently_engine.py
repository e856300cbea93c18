"""The only module that imports evidently, which costs 8 CPU-seconds: import it late."""

import os
import re
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


_DATA = re.compile(r"^    var (?:additional_graphs_)?metric_\w+ = .*;$", re.MULTILINE)  # a line of JSON


def save(snapshot: Any, path: Path) -> None:
    """Write a report that has run to `path`, whole or not at all; folders are made.

    Evidently puts its data into a script as they are, where `</script>` in a title or an id ends it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        snapshot.save_html(str(beside))
        page = beside.read_text(encoding="utf-8")
        beside.write_text(_DATA.sub(lambda line: line[0].replace("<", r"\u003c"), page), encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
