"""The text of a LightGBM model, looked over before LightGBM reads it.

LightGBM's reader takes lengths, child and feature indices as they stand in the text and writes where they point: a
damaged or hostile text would corrupt memory. So only the trees and the header they need are kept, and of these every
line must be of a known form, written as LightGBM writes it.
"""

import re

import numpy as np

from nextpick.errors import BundleError

_END = "end of trees\n"
_INTEGER, _NUMBER = r"-?[0-9]{1,9}", r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]{1,3})?|-?inf|-?nan"
_INTEGERS = re.compile(rf"(?:{_INTEGER})(?: (?:{_INTEGER}))*")
_NUMBERS = re.compile(rf"(?:{_NUMBER})(?: (?:{_NUMBER}))*")
_INFO = re.compile(rf"none|\[(?:{_NUMBER}):(?:{_NUMBER})\]")
_HEADER = (
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "feature_infos", "tree_sizes",
)  # fmt: skip
_PER_SPLIT = {
    "split_feature": _INTEGERS, "split_gain": _NUMBERS, "threshold": _NUMBERS, "decision_type": _INTEGERS,
    "left_child": _INTEGERS, "right_child": _INTEGERS, "internal_value": _NUMBERS, "internal_weight": _NUMBERS,
    "internal_count": _INTEGERS,
}  # fmt: skip
_PER_LEAF = {"leaf_value": _NUMBERS, "leaf_weight": _NUMBERS, "leaf_count": _INTEGERS}
_SINGLE = ("num_leaves", "num_cat", "is_linear", "shrinkage")
_DECISIONS = {0, 2, 4, 6, 8, 10}  # numerical splits: default side (2), kind of missing value (4, 8)
_MAX_LEAVES = 1 << 16
_MAX_DEPTH = 1024  # LightGBM recurses as deep, and explaining takes the square of it in memory


def trees_of(text: str) -> str:
    """A model text without what follows its trees: importances and parameters, which the bundle has elsewhere."""
    return text.partition(_END)[0] + _END


def check(text: str, features: tuple[str, ...]) -> None:
    """Raises: BundleError where `text` is not a sound ranker over exactly `features`, in their order."""
    try:
        _check(text, features)
    except (ValueError, KeyError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise BundleError(f"The ranker's text is damaged: {reason}. Take the bundle from its source again.") from None


def trees(text: str) -> list[dict[str, np.ndarray]]:
    """The trees of a text that `check` has passed: by name, float64, the columns of their splits and leaves."""
    keys: tuple[str, ...] = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
    keys += ("internal_count", "leaf_count")
    found = []
    for block in text.removesuffix(_END).split("\nTree=")[1:]:
        pairs = dict(line.split("=", 1) for line in block.split("\n") if "=" in line)
        found.append({key: np.array(pairs[key].split(), np.float64) for key in keys if key in pairs})
    return found


def _check(text: str, features: tuple[str, ...]) -> None:
    if not text.isascii() or not text.endswith(_END):
        raise ValueError("it is cut off, or goes on after its trees")
    head, *blocks = text.removesuffix(_END).split("\nTree=")
    first, _, rest = head.partition("\n")
    header = _pairs(rest, _HEADER)
    if (first, header["version"]) != ("tree", "v4"):
        raise ValueError(f"it is not LightGBM's tree format v4 but begins {text[:40]!r}")
    if tuple(header["feature_names"].split(" ")) != features:
        raise ValueError(f"it was trained on {header['feature_names']}, not on {' '.join(features)}")
    expected = {"num_class": "1", "num_tree_per_iteration": "1", "label_index": "0", "objective": "lambdarank"}
    for key, value in {**expected, "max_feature_idx": str(len(features) - 1)}.items():
        if header[key] != value:
            raise ValueError(f"{key} is {header[key]!r}, not {value}")
    infos = header["feature_infos"].split(" ")
    if len(infos) != len(features) or not all(_INFO.fullmatch(info) for info in infos):
        raise ValueError("feature_infos does not have an entry a feature")
    sizes = _integers(header, "tree_sizes", len(blocks))
    for number, (block, size) in enumerate(zip(blocks, sizes.tolist(), strict=True)):
        # The newline before the next "Tree=" is the block's own, and was taken by the split.
        written = f"Tree={block}" + ("" if number == len(blocks) - 1 else "\n")
        if len(written) != size:
            raise ValueError(f"tree {number} is announced with {size} bytes and has {len(written)}")
        _check_tree(number, block, len(features))


def _check_tree(number: int, block: str, n_features: int) -> None:
    name, _, body = block.partition("\n")
    tree = _pairs(body, (*_SINGLE, *_PER_SPLIT, *_PER_LEAF))
    leaves = int(_integers(tree, "num_leaves", 1)[0])
    if name != str(number) or not 1 <= leaves <= _MAX_LEAVES or (tree["num_cat"], tree["is_linear"]) != ("0", "0"):
        raise ValueError(
            f"tree {number} is called {name!r} and has {leaves} leaves, num_cat {tree['num_cat']}, "
            f"is_linear {tree['is_linear']}"
        )
    _numbers(tree, "shrinkage", 1, _NUMBERS)
    if leaves == 1:
        _numbers(tree, "leaf_value", 1, _NUMBERS)
        return
    for key, form in _PER_LEAF.items():
        _numbers(tree, key, leaves, form)
    for key, form in _PER_SPLIT.items():
        _numbers(tree, key, leaves - 1, form)
    split = _integers(tree, "split_feature", leaves - 1)
    if split.min() < 0 or split.max() >= n_features:
        raise ValueError(f"tree {number} splits on features {split.min()} to {split.max()}, and there are {n_features}")
    if not set(_integers(tree, "decision_type", leaves - 1).tolist()) <= _DECISIONS:
        raise ValueError(f"tree {number} has a decision type that is not numerical")
    left, right = (_integers(tree, key, leaves - 1) for key in ("left_child", "right_child"))
    _check_children(number, left, right, leaves)


def _check_children(number: int, left: np.ndarray, right: np.ndarray, leaves: int) -> None:
    """Every split but the root and every leaf (written as ~leaf) is the child of exactly one earlier split."""
    children = np.sort(np.concatenate([left, right]))
    if not np.array_equal(children, np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])):
        raise ValueError(f"tree {number} has a split or leaf that is nobody's child, or somebody's twice")
    nodes = np.arange(leaves - 1)
    if any(((side >= 0) & (side <= nodes)).any() for side in (left, right)):
        raise ValueError(f"tree {number} has a split below itself")
    if leaves > _MAX_DEPTH and (deepest := _depth(left.tolist(), right.tolist())) > _MAX_DEPTH:
        raise ValueError(f"tree {number} is {deepest} splits deep, and {_MAX_DEPTH} is the most")


def _depth(left: list[int], right: list[int]) -> int:
    """Splits on the longest way down; every split comes after its parent."""
    depths = [1] * len(left)
    for node, children in enumerate(zip(left, right, strict=True)):
        for child in children:
            if child >= 0:
                depths[child] = depths[node] + 1
    return max(depths)


def _integers(pairs: dict[str, str], key: str, length: int) -> np.ndarray:
    return _numbers(pairs, key, length, _INTEGERS).astype(np.int64)


def _numbers(pairs: dict[str, str], key: str, length: int, form: re.Pattern[str]) -> np.ndarray:
    """float64 (length,), which holds an int32 exactly; finite, but for thresholds, which part values from none."""
    text = pairs[key]
    values = np.array(text.split(" "), np.float64) if form.fullmatch(text) else np.empty(0)
    if len(values) != length or not (np.isfinite(values).all() or key == "threshold"):
        raise ValueError(f"{key} needs {length} numbers and is {text[:60]!r}")
    return values


def _pairs(text: str, known: tuple[str, ...]) -> dict[str, str]:
    """The `key=value` lines of a block; others may only be empty."""
    lines = [line for line in text.split("\n") if line]
    pairs = dict(line.split("=", 1) for line in lines if "=" in line)
    if len(pairs) != len(lines) or not set(pairs) <= set(known):
        odd = next((line for line in lines if line.partition("=")[0] not in known), "a key that stands twice")
        raise ValueError(f"it has a line that does not belong there: {odd[:60]!r}")
    return pairs
