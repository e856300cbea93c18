"""The candidate generators by name, one a file of nextpick/models/generators: fit, save, load."""

from importlib import import_module

import numpy as np

from nextpick.errors import BundleError
from nextpick.features.histories import Histories
from nextpick.models import npz
from nextpick.models.generator import Generator
from nextpick.params import GENERATORS, Params

KINDS: dict[str, type[Generator]] = {
    name: import_module(f"nextpick.models.generators.{name}").GENERATOR for name in GENERATORS
}

_ABOVE_ZERO = frozenset({"half_life_days", "mean_items"})
_NAN_IS_UNKNOWN = frozenset({"item_factors", "item_scores", "priors", "biases"})
_PER_ITEM = {"item_factors": 2, "put_in": 2, "take_out": 2, "biases": 1, "item_scores": 1, "priors": 1}  # dimensions
_WIDEST = 4096  # factors; their square is made


def fit(histories: Histories, params: Params) -> dict[str, Generator]:
    """The generators params.pool names, in its order, fitted on these histories."""
    return {name: KINDS[name].fit(histories, params) for name in params.generators}


def dump(generator: Generator) -> bytes:
    """A fitted generator as an npz; the same one gives the same bytes."""
    return npz.dump(generator.arrays())


def load(name: str, stored: bytes, n_items: int | None = None) -> Generator:
    """What `dump` gave, of a generator fitted on `n_items` items where that is known. Raises: BundleError."""
    if name not in KINDS:
        raise BundleError(f"There is no candidate generator {name!r}: this code has {', '.join(KINDS)}.")
    try:
        arrays = npz.load(stored)
        for key, array in arrays.items():
            _check_values(key, array)
        for prefix in [key.removesuffix("_indptr") for key in arrays if key.endswith("_indptr")]:
            _check_neighbours(prefix, arrays)
        if n_items is not None:
            _check_items(arrays, n_items)
        generator = KINDS[name].from_arrays(arrays)
        if set(generator.arrays()) != set(arrays):
            raise ValueError(f"it holds {', '.join(arrays)}")
        return generator
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise BundleError(f"This is no fitted {name}: {error}. Train again: `dvc repro`.") from error


def _check_values(key: str, array: np.ndarray) -> None:
    """Numbers are numbers; NaN says that nothing is known of an item, so it fills a row of one or none of it."""
    if array.ndim == 0:
        if not np.isfinite(array) or array < 0 or (key in _ABOVE_ZERO and array == 0):
            raise ValueError(f"{key} is {array}")
        return
    if array.dtype.kind != "f":
        return
    if np.isinf(array).any():
        raise ValueError(f"{key} holds infinity")
    unknown = np.isnan(array)
    if unknown.any() and (key not in _NAN_IS_UNKNOWN or (array.ndim == 2 and (unknown != unknown[:, :1]).any())):
        raise ValueError(f"{key} holds NaN")
    if array.ndim > 1 and array.shape[1] > _WIDEST:
        raise ValueError(f"{key} has {array.shape[1]} columns, and {_WIDEST} is the most")


def _check_neighbours(prefix: str, arrays: dict[str, np.ndarray]) -> None:
    """Compiled code follows these where they point: they must point to items."""
    starts, rows, weights = (arrays[f"{prefix}_{what}"] for what in ("indptr", "item_rows", "weights"))
    types = [one.dtype.str for one in (starts, rows, weights)]
    if types != ["<i8", "<i4", "<f4"] or any(one.ndim != 1 for one in (starts, rows, weights)) or not len(starts):
        raise ValueError(f"the neighbours {prefix} are {', '.join(types)}")
    n = len(starts) - 1
    if starts[0] != 0 or starts[-1] != len(rows) or len(rows) != len(weights) or (np.diff(starts) < 0).any():
        raise ValueError(f"the neighbours {prefix} do not begin and end where they should")
    if len(rows) and (rows.min() < 0 or rows.max() >= n):
        raise ValueError(f"the neighbours {prefix} name items {rows.min()} to {rows.max()}, and there are {n}")


def _check_items(arrays: dict[str, np.ndarray], n_items: int) -> None:
    """Every array that has a row an item has one for each; a square one is as wide as the vectors it turns."""
    for key, array in arrays.items():
        rows = len(array) - 1 if key.endswith("_indptr") else n_items
        if key in _PER_ITEM:
            rows = len(array) if array.ndim == _PER_ITEM[key] else -1
        if rows != n_items:
            raise ValueError(f"{key} has the shape {array.shape}, and there are {n_items} items")
    if "turn" in arrays and arrays["turn"].shape != (arrays["item_factors"].shape[1],) * 2:
        raise ValueError(f"turn has the shape {arrays['turn'].shape}")
    if "put_in" in arrays and arrays["put_in"].shape != arrays["take_out"].shape:
        raise ValueError(f"put_in and take_out have the shapes {arrays['put_in'].shape}, {arrays['take_out'].shape}")
