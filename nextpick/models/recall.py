"""How many of the exact candidates an approximate index finds."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nextpick.features.histories import Histories, of_users
from nextpick.features.seen import barred
from nextpick.models.approximate import Approximate
from nextpick.models.generator import Generator
from nextpick.models.topn import Barred, Exact, compiled


def approximate(generators: Mapping[str, Generator]) -> list[str]:
    """The generators that look for their best by an approximate index: none without numba."""
    return [
        name for name, one in generators.items() if isinstance(getattr(one, "index", None), Approximate) and compiled()
    ]


def recalls(
    generators: Mapping[str, Generator],
    sizes: Mapping[str, int],
    user_rows: np.ndarray,
    histories: Histories,
    policy: str,
    hidden: np.ndarray,
) -> dict[str, float]:
    """Of each of these, the share of its exact `sizes[name]` candidates of these users that it proposes, 0 to 1.

    Arguments are those of pool.build_pool.
    """
    own = of_users(histories, user_rows)
    off, found = Barred.of(own, barred(own, policy), hidden), {}
    for name in approximate(generators):
        asked = generators[name].scored(histories, user_rows)  # type: ignore[attr-defined]
        exact = replace(asked, items=replace(asked.items, index=Exact(asked.items.index.item_factors)))
        ours, right = (
            users * own.n_items + items for users, items in (one.best(sizes[name], off) for one in (asked, exact))
        )
        found[name] = float(np.isin(right, ours).mean()) if len(right) else 1.0
    return found
