"""data/prepared on disk: what the stage data_prep writes and the later ones read."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.errors import DataError
from nextpick.stages.folder import new_folder

PREPARED = Path("data", "prepared")
_FILES = ("interactions.parquet", "items.parquet", "shown.parquet", "snapshot.json")
_LOTS = "lots.parquet"  # only where there are some


def write(project: Path, snapshot: Snapshot, about: Mapping[str, Any]) -> None:
    """Write a snapshot and what else is to be said of it. The ids are not written: they follow from the frames."""
    interactions, items, shown, stated = _FILES
    with new_folder(project / PREPARED) as folder:
        snapshot.interactions.to_parquet(folder / interactions, index=False)
        snapshot.catalogue.to_parquet(folder / items, index=False)
        snapshot.shown.to_parquet(folder / shown, index=False)
        if len(snapshot.lots):
            snapshot.lots.to_parquet(folder / _LOTS, index=False)
        content = {"data_md5": snapshot.data_md5, "windows": asdict(snapshot.windows), **about}
        (folder / stated).write_text(json.dumps(content, indent=1))


def read(project: Path) -> Snapshot:
    """What `write` wrote. Raises: DataError where it has not."""
    interactions, items, shown, stated = (project / PREPARED / name for name in _FILES)
    try:
        about = json.loads(stated.read_text())
        frames = pd.read_parquet(interactions), pd.read_parquet(items)
        offered = pd.read_parquet(shown)
        lots = pd.read_parquet(project / PREPARED / _LOTS) if (project / PREPARED / _LOTS).exists() else None
    except OSError as error:
        raise DataError(
            f"There is no prepared snapshot in {project / PREPARED}: {error.strerror}. Run `dvc repro data_prep`."
        ) from None
    return Snapshot.of(*frames, Windows.from_json(about["windows"]), about["data_md5"], offered, lots)
