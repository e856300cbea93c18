"""What the stages hand each other on disk, and how they are run by DVC."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nextpick.data.split import Windows
from nextpick.errors import DataError, NextPickError
from nextpick.features.holdout import Holdout, holdout
from nextpick.idmap import IdMap
from nextpick.models import candidates
from nextpick.models.generator import Generator
from nextpick.params import Params
from nextpick.schema import ITEM_ID, USER_ID

PREPARED, COLLAB, RANKER = Path("data", "prepared"), Path("models", "collab"), Path("models", "ranker")
BUNDLE, EVALUATION, METRICS = Path("models", "bundle"), Path("models", "evaluation"), Path("metrics.json")


@dataclass(frozen=True)
class Prepared:
    """A snapshot made ready: interactions that count, the catalogue, and the ids of both in row order."""

    interactions: pd.DataFrame
    catalogue: pd.DataFrame
    users: IdMap
    items: IdMap
    windows: Windows
    data_md5: str

    def holdout(self, params: Params, start: int, end: int) -> Holdout:
        """What was known at `start`, and what users did from then until `end` (microseconds)."""
        return holdout(self.interactions, self.catalogue, self.users, self.items, params, start, end)


def write_prepared(project: Path, prepared: Prepared, about: Mapping[str, Any]) -> None:
    """Write data/prepared; the ids are not written: they follow from the frames."""
    with new_folder(project / PREPARED) as folder:
        prepared.interactions.to_parquet(folder / "interactions.parquet", index=False)
        prepared.catalogue.to_parquet(folder / "items.parquet", index=False)
        stated = {"data_md5": prepared.data_md5, "windows": asdict(prepared.windows), **about}
        (folder / "snapshot.json").write_text(json.dumps(stated, indent=1))


def read_prepared(project: Path) -> Prepared:
    """What the stage data_prep wrote. Raises: DataError where it did not."""
    folder = project / PREPARED
    try:
        stated = json.loads((folder / "snapshot.json").read_text())
        interactions = pd.read_parquet(folder / "interactions.parquet")
        catalogue = pd.read_parquet(folder / "items.parquet")
    except OSError as error:
        raise DataError(f"There is no prepared snapshot in {folder}: {error.strerror}. Run `dvc repro`.") from None
    return prepare(interactions, catalogue, Windows(**stated["windows"]), stated["data_md5"])


def prepare(interactions: pd.DataFrame, catalogue: pd.DataFrame, windows: Windows, data_md5: str) -> Prepared:
    """Give every user and item a row: those of the interactions, and the rest of the catalogue."""
    users = IdMap.fit(interactions[USER_ID])
    items = IdMap.fit([*catalogue[ITEM_ID], *interactions[ITEM_ID].unique()])
    return Prepared(interactions, catalogue, users, items, windows, data_md5)


def write_generators(generators: Mapping[str, Generator], folder: Path) -> None:
    """One npz each into an existing folder."""
    for name, generator in generators.items():
        (folder / f"{name}.npz").write_bytes(candidates.dump(generator))


def read_generators(params: Params, folder: Path) -> dict[str, Generator]:
    """What `write_generators` wrote, in the pool's order. Raises: DataError where it is absent; BundleError."""
    try:
        return {name: candidates.load(name, (folder / f"{name}.npz").read_bytes()) for name in params.generators}
    except OSError as error:
        raise DataError(f"Cannot read {error.filename}: {error.strerror}. Run `dvc repro train_collab`.") from None


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `path` once it is full; after a fault `path` is as it was."""
    draft, old = path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    if path.exists():
        path.rename(old)
    draft.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def main(run: Callable[[Path], None]) -> None:
    """Run a stage in the current folder, as DVC does; what a person can mend is said without a traceback."""
    try:
        run(Path.cwd())
    except NextPickError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(1) from None
