"""A small split in which neighbours of an item on a ring are taken together."""

from pathlib import Path

import numpy as np


def ring(folder: Path, n_users: int = 60, n_items: int = 40, seed: int = 3, shuffled: bool = True) -> tuple[Path, Path]:
    """train.txt and test.txt: a user has nine items in a row on the ring, two of which are to be found."""
    draw = np.random.default_rng(seed)
    train, test = [], []
    for user in range(n_users):
        own = (draw.integers(n_items) + np.arange(9)) % n_items
        sought = draw.choice(np.arange(2, 7), 2, replace=False)
        kept = np.delete(own, sought)
        train.append([user, *(draw.permutation(kept) if shuffled else np.sort(kept))])
        test.append([user, *own[sought]])
    for name, rows in (("train.txt", train), ("test.txt", test)):
        (folder / name).write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
    return folder / "train.txt", folder / "test.txt"
