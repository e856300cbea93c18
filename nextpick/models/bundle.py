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
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, StrictFloat, StrictInt, StrictStr, TypeAdapter

from nextpick.data.split import Windows
from nextpick.errors import BundleError
from nextpick.features.former import MEANT
from nextpick.features.items import ItemTable
from nextpick.features.pair import feature_names
from nextpick.idmap import IdMap
from nextpick.models import candidates, item_file, manifest, strict_json
from nextpick.models.generator import Generator
from nextpick.models.pool import item_vectors
from nextpick.models.ranker import Ranker
from nextpick.params import BEFORE_AND_AFTER, Params

_FIXED = ("bundle.json", "params.json", "ids.json", "items.parquet", "ranker.txt")
_SINCE = {2: ("importance.json",)}


class _About(BaseModel):
    """bundle.json."""

    model_config = ConfigDict(allow_inf_nan=False)

    generators: tuple[str, ...]
    features: tuple[str, ...]
    metrics: dict[str, StrictFloat | StrictInt]
    data_md5: str
    windows: Windows


class _Ids(BaseModel):
    """ids.json."""

    users: tuple[StrictStr, ...]
    items: tuple[StrictStr, ...]


_Importance = TypeAdapter(dict[str, dict[str, FiniteFloat]])


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
    def sizes(self) -> Mapping[str, int]:
        """How many candidates each generator proposes."""
        return {name: self.params.pool[name] for name in self.generators}

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
    except Exception as error:  # whatever a parser makes of bytes it did not expect
        said = str(error)[:300] or type(error).__name__
        raise BundleError(f"The bundle in {folder} is not as this code writes one: {said}. Train again.") from error


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
        "items.parquet": item_file.dump(bundle.table, bundle.items),
        "ranker.txt": bundle.ranker.text.encode(),
        "importance.json": _json(bundle.ranker.importance),
        **{f"{name}.npz": candidates.dump(generator) for name, generator in bundle.generators.items()},
    }


def _parse(files: Mapping[str, bytes], sha256: str, version: int) -> Bundle:
    absent = [name for name in (*_FIXED, *_SINCE.get(version, ())) if name not in files]
    if absent:
        raise BundleError(f"Its manifest lacks {', '.join(absent)}. Restore the bundle.")
    read = {name: strict_json.loads(files[name]) for name in files if name.endswith(".json")}
    about = _About.model_validate(read["bundle.json"])
    ids = _Ids.model_validate(read["ids.json"])
    features, users, items = about.features, IdMap(ids.users), IdMap(ids.items)
    if unknown := [name for name in features if name not in feature_names(about.generators)]:
        raise BundleError(
            f"It was made for features this code does not compute: {', '.join(unknown)}. Use the version of NextPick "
            "that trained it, or train again."
        )
    params = Params.model_validate_json(files["params.json"])
    ranker = Ranker.from_text(
        files["ranker.txt"].decode(), features, _Importance.validate_python(read.get("importance.json", {}))
    )
    if version == 1:
        at_most = {f"{name}_rank": params.pool[name] - 1 for name in about.generators}
        ranker = replace(ranker, features=tuple(MEANT.get(name, name) for name in features), at_most=at_most)
    return Bundle(
        users=users,
        items=items,
        table=item_file.load(files["items.parquet"], items, former=version == 1),
        generators={name: candidates.load(name, files[f"{name}.npz"], len(items)) for name in about.generators},
        ranker=ranker,
        params=params,
        windows=about.windows,
        metrics=about.metrics,
        data_md5=about.data_md5,
        format_version=version,
        sha256=sha256,
    )


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode()
