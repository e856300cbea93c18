"""What a person should know of a split before they believe its figures."""

import numpy as np

from benchmarks.yardstick.split import Split
from nextpick.features.histories import find


def remarks(split: Split) -> list[str]:
    """A sentence for its size, and one for each thing in it that no model can find."""
    known, sought = split.train, split.test
    users = np.repeat(np.arange(sought.shape[0]), np.diff(sought.indptr))
    seek, learnt = len(split.users), int((np.diff(known.indptr) > 0).sum())
    sizes = f"{learnt:,} users learn {len(known.item_rows):,} pairs of {known.n_items:,} items"
    timing = {"time": "times are told", "order": "the order is told", "none": "no order is told"}[split.timing]
    said = [f"{sizes}; {timing}; {seek:,} users seek {sought.nnz:,} items"]
    cold = int((np.diff(known.indptr)[split.users] == 0).sum())
    taken = np.bincount(known.item_rows, minlength=known.n_items)
    new = int((taken[sought.indices] == 0).sum())
    had = int((find(known, users, sought.indices) >= 0).sum())
    if cold:
        said.append(f"{cold:,} of them have nothing in train: only popular has an opinion")
    if new:
        said.append(f"{new:,} of the items sought are in nobody's train: nobody finds them")
    if had:
        said.append(f"{had:,} of the items sought are in the user's own train: they are masked, and nobody finds them")
    return said
