"""Try a release out before it serves: what is wrong shows here, and what is slow only once is done here."""

import numpy as np

from nextpick.errors import BundleError
from nextpick.release.answer import answer
from nextpick.release.explain import explain
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.order import order
from nextpick.release.wanted import Wanted

_STRANGERS_ITEMS = 2
_K = 10


def rehearse(loaded: Loaded, row: ListRow | None) -> None:
    """The golden requests: nobody gets popular items; somebody new, who took the two most popular, gets some that
    are scored, explained and put into order; and a known user, whose row of the release this is, the very scores that
    are stored.

    Raises: BundleError where not: then this code computes other features than the publisher's did.
    """
    loaded.bundle.ranker.get_ready()
    nobody_hidden = np.zeros(len(loaded.items), bool)
    if not len(answer(loaded, None, Since.nothing(), Wanted.plain(loaded, _K), nobody_hidden)):
        raise BundleError(f"Release {loaded.release_id} answers an unknown user with nothing.")
    own = loaded.popular[:_STRANGERS_ITEMS]
    since = Since.nothing().then(own, max(loaded.kinds.values()), loaded.cutoff + len(own))
    found = answer(loaded, None, since, Wanted(_K, "allow", diversity=0.5), nobody_hidden)
    if not len(found):
        raise BundleError(f"Release {loaded.release_id} answers somebody new, who took popular items, with nothing.")
    explain(loaded, found)
    order(loaded, None, since, found.slots.item_rows)
    if row is not None:
        _as_stored(loaded, row, nobody_hidden)


def _as_stored(loaded: Loaded, row: ListRow, nobody_hidden: np.ndarray) -> None:
    wanted = Wanted.plain(loaded, len(row.item_rows))
    again = answer(loaded, row, Since.nothing(), wanted, nobody_hidden).slots
    if not np.array_equal(again.item_rows, row.item_rows) or not np.allclose(again.scores, row.scores, rtol=1e-4):
        raise BundleError(
            f"Release {loaded.release_id} stored other scores than this code computes for the same user. "
            "Serve it with the version that published it, or publish again."
        )
