"""Reads each bundle of a folder with little memory, and tells line by line what became of it.

`python -m tests.hostile_reader SOUND FOLDER MEMORY_MB`: refused, harmless (it answers as SOUND does, or as a sound
model may), or the name of an exception that is not for a bundle to raise.
"""

import json
import resource
import sys
from pathlib import Path

import numpy as np

from nextpick.errors import BundleError
from nextpick.features.histories import Histories
from nextpick.models.bundle import Bundle, load_bundle


def histories(n_items: int) -> Histories:
    """Four users: one with nothing, one with the first item, one with the last, one with all."""
    rows = np.concatenate([[0], [n_items - 1], np.arange(n_items)]).astype(np.int32)
    at = np.full(len(rows), 1_762_000_000_000_000, np.int64)
    ones = np.ones(len(rows), np.int32)
    indptr = np.array([0, 0, 1, 2, len(rows)], np.int64)
    return Histories(at[0] + 1, n_items, indptr, rows, ones, ones.astype(np.float32), at, at)


def answers(bundle: Bundle) -> list[np.ndarray]:
    """What all its parts say: no more than a release would ask."""
    known = histories(len(bundle.items))
    found = [generator.scores(known, np.arange(4)) for generator in bundle.generators.values()]
    rng = np.random.default_rng(1)
    rows = rng.normal(scale=10, size=(64, len(bundle.features))).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    found += [bundle.ranker.predict(rows), bundle.ranker.contributions(rows)]
    if bundle.ranker._trees is not None:
        found.append(bundle.ranker._trees.predict(rows))
    return found


def became(folder: Path, sound: list[np.ndarray]) -> str:
    try:
        bundle = load_bundle(folder)
    except BundleError:
        return "refused"
    except BaseException as error:  # noqa: BLE001 - what else there is, is what we look for
        return f"raised {type(error).__name__}: {error}"
    try:
        again = answers(bundle)
    except Exception as error:  # noqa: BLE001
        return f"loaded, then raised {type(error).__name__}: {error}"
    if any(one.shape != other.shape for one, other in zip(again, sound, strict=True)):
        return "loaded, and answers in another shape"
    return "harmless"


def main() -> None:
    sound_folder, folder, memory = sys.argv[1:]
    with np.errstate(all="ignore"):
        sound = answers(load_bundle(Path(sound_folder)))  # with it, every library there is to load
        limit = int(memory) << 20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for copy in sorted(Path(folder).iterdir()):
            print(json.dumps({"name": copy.name, "became": became(copy, sound)}), flush=True)


if __name__ == "__main__":
    main()
