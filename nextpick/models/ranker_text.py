"""A LightGBM model text is looked over before LightGBM reads it.

LightGBM's reader takes child and feature indices, and the lengths of arrays, as they stand in the text and writes
where they point; a damaged or hostile text would corrupt memory. What is checked here is what its prediction walks.
"""

import numpy as np

from nextpick.errors import BundleError

_PER_SPLIT = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_PER_SPLIT_TOO = ("internal_value", "internal_weight", "internal_count")
_PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_TREE_KEYS = {*_PER_SPLIT, *_PER_SPLIT_TOO, *_PER_LEAF, "num_leaves", "num_cat", "is_linear", "shrinkage"}
_DECISIONS = {0, 2, 4, 6, 8, 10}  # numerical splits: default side (2), kind of missing value (4, 8)
_MAX_LEAVES = 1 << 16


def check(text: str, features: tuple[str, ...]) -> None:
    """Raises: BundleError where `text` is not a sound ranker over exactly `features`, in their order."""
    try:
        _check(text, features)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise BundleError(f"The ranker's text is damaged: {reason}. Take the bundle from its source again.") from None


def _check(text: str, features: tuple[str, ...]) -> None:
    if "\0" in text or "\r" in text:
        raise ValueError("it holds control characters")
    head, *blocks = text.split("\nTree=")
    header = _pairs(head.removeprefix("tree\n"))
    if not head.startswith("tree\n") or header["version"] != "v4":
        raise ValueError(f"it is not LightGBM's tree format v4 but begins {text[:40]!r}")
    if tuple(header["feature_names"].split(" ")) != features:
        raise ValueError(f"it was trained on {header['feature_names']}, not on {' '.join(features)}")
    for key, value in {
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "max_feature_idx": str(len(features) - 1),
        "objective": "lambdarank",
    }.items():
        if header[key] != value:
            raise ValueError(f"{key} is {header[key]}, not {value}")
    if len(header["feature_infos"].split(" ")) != len(features):
        raise ValueError("feature_infos does not have an entry a feature")
    sizes = _integers(header["tree_sizes"])
    if len(sizes) != len(blocks) or not blocks:
        raise ValueError(f"{len(sizes)} trees are announced and {len(blocks)} are there")
    last, end, tail = blocks[-1].partition("end of trees\n")
    if not end or "Tree=" in tail:
        raise ValueError("it is cut off after its trees")
    blocks[-1] = last
    for number, (block, size) in enumerate(zip(blocks, sizes.tolist(), strict=True)):
        _check_tree(number, block, size, len(features))


def _check_tree(number: int, block: str, size: int, n_features: int) -> None:
    written = f"Tree={block}" + ("\n" if not block.endswith("\n\n\n") else "")
    if len(written.encode()) != size:
        raise ValueError(f"tree {number} is announced with {size} bytes and has {len(written.encode())}")
    said, _, body = block.partition("\n")
    tree = _pairs(body)
    if said != str(number) or (unknown := set(tree) - _TREE_KEYS):
        raise ValueError(f"tree {number} is called {said}, or has unknown parts {sorted(unknown)}")
    leaves = int(tree["num_leaves"])
    if not 1 <= leaves <= _MAX_LEAVES or (tree["num_cat"], tree["is_linear"]) != ("0", "0"):
        raise ValueError(f"tree {number} has {leaves} leaves, num_cat {tree['num_cat']}, is_linear {tree['is_linear']}")
    if leaves == 1:
        _numbers(tree, "leaf_value", 1, number)
        return
    for key in _PER_LEAF:
        _numbers(tree, key, leaves, number)
    for key in (*_PER_SPLIT, *_PER_SPLIT_TOO):
        _numbers(tree, key, leaves - 1, number)
    split = _integers(tree["split_feature"])
    if split.min() < 0 or split.max() >= n_features:
        raise ValueError(f"tree {number} splits on feature {split.max()}, and there are {n_features}")
    if not set(_integers(tree["decision_type"]).tolist()) <= _DECISIONS:
        raise ValueError(f"tree {number} has a decision type that is not numerical")
    _check_children(number, _integers(tree["left_child"]), _integers(tree["right_child"]), leaves)


def _check_children(number: int, left: np.ndarray, right: np.ndarray, leaves: int) -> None:
    """Every split but the root and every leaf (written as ~leaf) is the child of exactly one earlier split."""
    children = np.sort(np.concatenate([left, right]))
    expected = np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])
    if not np.array_equal(children, expected):
        raise ValueError(f"tree {number} has a split or leaf that is nobody's child, or somebody's twice")
    nodes = np.arange(leaves - 1)
    if any(((side >= 0) & (side <= nodes)).any() for side in (left, right)):
        raise ValueError(f"tree {number} has a split below itself")


def _numbers(tree: dict[str, str], key: str, length: int, number: int) -> None:
    values = np.array(tree[key].split(" "), np.float64)
    finite = np.isfinite(values) | (key == "threshold")  # one between all values and a missing one is infinite
    if len(values) != length or not finite.all():
        raise ValueError(f"tree {number} needs {length} finite numbers as {key}, and has {tree[key][:60]!r}")


def _integers(text: str) -> np.ndarray:
    return np.array([int(word) for word in text.split(" ")], np.int64)


def _pairs(text: str) -> dict[str, str]:
    """The `key=value` lines of a block; others may only be empty."""
    lines = [line for line in text.split("\n") if line]
    if any("=" not in line for line in lines):
        raise ValueError(f"a line is no key=value: {next(line for line in lines if '=' not in line)[:60]!r}")
    pairs = dict(line.split("=", 1) for line in lines)
    if len(pairs) != len(lines):
        raise ValueError("a key stands twice")
    return pairs
