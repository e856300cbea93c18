"""A small slice of the sample, every purchase of some customers, put through the stages that DVC runs."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from nextpick.data.online_retail import convert
from nextpick.stages import data_prep, evaluate, train_collab, train_ranker

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = Path("data", "sample", "online_retail.parquet")
STAGES: tuple[Callable[[Path], None], ...] = (data_prep.run, train_collab.run, train_ranker.run, evaluate.run)


@cache
def lines(customers: int) -> pd.DataFrame:
    """The invoice lines of so many customers, spread evenly over those there are."""
    everything = pd.read_parquet(ROOT / SAMPLE)
    known = everything["CustomerID"].dropna().drop_duplicates().sort_values()
    chosen = known.iloc[:: max(len(known) // customers, 1)].iloc[:customers]
    return everything[everything["CustomerID"].isin(chosen)].reset_index(drop=True)


def write_params(folder: Path, **changes: dict[str, Any]) -> None:
    """params.yaml of the project with some values changed."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in changes.items():
        params[section].update(values)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))  # the pool's order is the features'


def write_raw(folder: Path, customers: int) -> None:
    """data/raw as the export writes it."""
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    converted = convert(lines(customers))
    converted.events.to_parquet(raw / "events.parquet", index=False)
    converted.items.to_parquet(raw / "items.parquet", index=False)


def project(folder: Path, customers: int, **changes: dict[str, Any]) -> Path:
    """A folder in which all stages have run."""
    folder.mkdir(parents=True, exist_ok=True)
    write_params(folder, **changes)
    write_raw(folder, customers)
    for run in STAGES:
        run(folder)
    return folder


def with_leak(honest: Path, folder: Path) -> Path:
    """The same, with a ranker that learnt from candidates fitted on the very interactions it was to foresee."""
    shutil.copytree(honest, folder)
    for window in (folder / train_collab.COLLAB).glob("label_*"):
        shutil.rmtree(window)
        shutil.copytree(folder / train_collab.COLLAB / "test", window)
    train_ranker.run(folder)
    evaluate.run(folder)
    return folder
