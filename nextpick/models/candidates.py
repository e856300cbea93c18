"""The candidate generators by name, one a file of nextpick/models/generators: fit, save, load."""

from importlib import import_module
from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from nextpick.errors import BundleError
from nextpick.features.histories import Histories
from nextpick.models.generator import Generator
from nextpick.params import GENERATORS, Params

KINDS: dict[str, type[Generator]] = {
    name: import_module(f"nextpick.models.generators.{name}").GENERATOR for name in GENERATORS
}


def fit(histories: Histories, params: Params) -> dict[str, Generator]:
    """The generators params.pool names, in its order, fitted on these histories."""
    return {name: KINDS[name].fit(histories, params) for name in params.generators}


def dump(generator: Generator) -> bytes:
    """A fitted generator as an npz; the same one gives the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **generator.arrays())
    return buffer.getvalue()


def load(name: str, stored: bytes) -> Generator:
    """What `dump` gave. Raises: BundleError."""
    if name not in KINDS:
        raise BundleError(f"There is no candidate generator {name!r}: this code has {', '.join(KINDS)}.")
    try:
        with np.load(BytesIO(stored), allow_pickle=False) as arrays:
            generator = KINDS[name].from_arrays(dict(arrays))
            if set(generator.arrays()) != set(arrays.files):
                raise ValueError(f"it holds {', '.join(arrays.files)}")
            return generator
    except (OSError, EOFError, ValueError, TypeError, KeyError, BadZipFile) as error:
        raise BundleError(f"This is no fitted {name}: {error}. Train again: `dvc repro`.") from error
