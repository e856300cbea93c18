"""The bundle: all one model version needs to answer, as plain files under a manifest of their sha256s.

manifest.json       format version and the sha256 of each file; its own sha256 names the bundle
bundle.json         generators and features in their order, metrics, snapshot, windows
params.json         the parameters it was trained with
ids.json            user and item ids in row order
items.parquet       the item table as of the cutoff
<generator>.npz     what each generator learnt
ranker.txt          LightGBM's text
importance.json     what each feature does for the ranker: gain and contribution, as ranker.Ranker has them

Format 1, which is still read, has no importance.json and fewer columns in items.parquet, and its ranker learnt ranks
of what a generator proposed itself, no others, and features of another meaning (nextpick.features.former).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from nextpick.data.split import Windows
from nextpick.errors import BundleError
from nextpick.features.former import MEANT
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.features.pair import feature_names
from nextpick.idmap import IdMap
from nextpick.models import candidates, manifest
from nextpick.models.generator import Generator
from nextpick.models.pool import item_vectors
from nextpick.models.ranker import Ranker
from nextpick.params import BEFORE_AND_AFTER, Params
from nextpick.schema import CATEGORIES, ITEM_ID, PRICE, TITLE

_FIXED = ("bundle.json", "params.json", "ids.json", "items.parquet", "ranker.txt")
_SINCE = {2: ("importance.json",)}


@dataclass(frozen=True)
class Bundle:
    """A model version. `generators` know every interaction before windows.cutoff; `features` is the ranker's input.

    `data_md5` names the snapshot as DVC does; `sha256` is the manifest's, and empty before the bundle is saved.
    """

    users: IdMap
    items: IdMap
    table: ItemTable
    generators: Mapping[str, Generator]
    ranker: Ranker
    params: Params
    windows: Windows
    metrics: Mapping[str, float]
    data_md5: str
    format_version: int = manifest.FORMAT
    sha256: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        return self.ranker.features

    @cached_property
    def vectors(self) -> np.ndarray | None:
        """Those of `nextpick.features.pair.Pool`."""
        return item_vectors(self.generators)


def save_bundle(bundle: Bundle, folder: Path) -> str:
    """Write the bundle's files into `folder`, made if need be, and return the bundle's sha256.

    The manifest is written last: a folder without one is no bundle. The same bundle gives the same bytes.
    """
    return manifest.write(_files(bundle), folder)


def load_bundle(folder: Path, sha256: str | None = None) -> Bundle:
    """The bundle in `folder`, which must be the one `sha256` names where that is given.

    Raises: BundleError where it is absent, damaged, another one, of a format this code does not read, or made for
    features this code does not compute.
    """
    checked = manifest.read(folder, sha256)
    try:
        return _parse(*checked)
    except BundleError as error:
        raise BundleError(f"The bundle in {folder} cannot be used. {error}") from error
    except (KeyError, ValueError, TypeError, ValidationError) as error:
        raise BundleError(f"The bundle in {folder} is not as this code writes one: {error}. Train again.") from error


def _files(bundle: Bundle) -> dict[str, bytes]:
    about = {
        "generators": list(bundle.generators),
        "features": list(bundle.features),
        "metrics": dict(bundle.metrics),
        "data_md5": bundle.data_md5,
        "windows": asdict(bundle.windows),
    }
    return {
        "bundle.json": _json(about),
        "params.json": bundle.params.model_dump_json(indent=1, exclude=BEFORE_AND_AFTER).encode(),
        "ids.json": _json({"users": bundle.users.ids, "items": bundle.items.ids}),
        "items.parquet": _dump_table(bundle.table, bundle.items),
        "ranker.txt": bundle.ranker.text.encode(),
        "importance.json": _json(bundle.ranker.importance),
        **{f"{name}.npz": candidates.dump(generator) for name, generator in bundle.generators.items()},
    }


def _parse(files: Mapping[str, bytes], sha256: str, version: int) -> Bundle:
    absent = [name for name in (*_FIXED, *_SINCE.get(version, ())) if name not in files]
    if absent:
        raise BundleError(f"Its manifest lacks {', '.join(absent)}. Restore the bundle.")
    about, ids = json.loads(files["bundle.json"]), json.loads(files["ids.json"])
    features, users, items = tuple(about["features"]), IdMap(tuple(ids["users"])), IdMap(tuple(ids["items"]))
    if unknown := [name for name in features if name not in feature_names(about["generators"])]:
        raise BundleError(
            f"It was made for features this code does not compute: {', '.join(unknown)}. Use the version of NextPick "
            "that trained it, or train again."
        )
    params = Params.model_validate_json(files["params.json"])
    ranker = Ranker.from_text(files["ranker.txt"].decode(), features, json.loads(files.get("importance.json", b"{}")))
    if version == 1:
        at_most = {f"{name}_rank": params.pool[name] - 1 for name in about["generators"]}
        ranker = replace(ranker, features=tuple(MEANT.get(name, name) for name in features), at_most=at_most)
    return Bundle(
        users=users,
        items=items,
        table=_load_table(files["items.parquet"], items, version),
        generators={name: candidates.load(name, files[f"{name}.npz"]) for name in about["generators"]},
        ranker=ranker,
        params=params,
        windows=Windows.from_json(about["windows"]),
        metrics=about["metrics"],
        data_md5=about["data_md5"],
        format_version=version,
        sha256=sha256,
    )


def _dump_table(table: ItemTable, items: IdMap) -> bytes:
    frame = pd.DataFrame({name: table.features[:, i] for i, name in enumerate(ITEM_FEATURES)})
    frame = frame.rename(columns=lambda name: f"feature_{name}")
    frame.insert(0, ITEM_ID, list(items.ids))
    frame.insert(1, TITLE, list(table.titles))
    frame.insert(2, CATEGORIES, [list(c) for c in table.categories])
    frame.insert(3, PRICE, table.prices)
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _load_table(stored: bytes, items: IdMap, version: int) -> ItemTable:
    frame = pd.read_parquet(BytesIO(stored))
    if tuple(frame[ITEM_ID]) != items.ids:
        raise BundleError("Its item table and its ids name different items. Train again.")
    names = [f"feature_{name}" for name in ITEM_FEATURES]
    features = frame.reindex(columns=names) if version == 1 else frame[names]
    return ItemTable(
        features=features.to_numpy(np.float32),
        titles=tuple(frame[TITLE]),
        categories=tuple(tuple(c) for c in frame[CATEGORIES]),
        prices=frame[PRICE].to_numpy(np.float64),
    )


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode()
