"""What a block's lists are computed from: the release's bundle and items, and its users' own events."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psycopg

from nextpick.errors import BundleError
from nextpick.features.histories import histories
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.models.recall import approximate, recalls
from nextpick.release import lookup
from nextpick.release.list_block import ListBlock
from nextpick.release.precompute import Inputs, list_blocks
from nextpick.store import arrays, building, events, lists
from nextpick.store.building import Building


@dataclass(frozen=True)
class Source:
    """A half-built release's bundle, its item table and its mask of hidden items: the same for every block."""

    release: Building
    bundle: Bundle
    table: ItemTable
    hidden: np.ndarray

    @classmethod
    def of(cls, conn: psycopg.Connection, release: Building) -> Self:
        """Read it. Raises: BundleError where the bundle is not there, or not the one the release was begun with."""
        bundle = load_bundle(Path(release.bundle_uri), release.bundle_sha256)
        arrays.register(conn)
        rows = lists.items_of_draft(conn, release.release_id)
        if tuple(row[1] for row in rows) != bundle.items.ids:
            raise BundleError(
                f"Release {release.release_id} was begun with other items than its bundle's. Publish again."
            )
        hidden = np.zeros(len(rows), bool)
        hidden[building.hidden_rows(conn, release.release_id)] = True
        return cls(release, bundle, lookup.item_table(rows, ITEM_FEATURES), hidden)

    def lists(self, conn: psycopg.Connection, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        """The lists of some users, in that order, computed as they are taken; what these users did is read at once."""
        return list_blocks(self.bundle, self._inputs(conn, user_ids))

    def recalls(self, conn: psycopg.Connection, user_ids: tuple[str, ...]) -> dict[str, float]:
        """What share of the exact candidates of some users each generator with an approximate index finds, 0 to 1."""
        generators, params = self.bundle.generators, self.bundle.params
        if not approximate(generators):
            return {}
        own, rows = self._inputs(conn, user_ids).histories, np.arange(len(user_ids), dtype=np.int32)
        return recalls(generators, params.pool, rows, own, params.scenarios["default"].seen_policy, self.hidden)

    def _inputs(self, conn: psycopg.Connection, user_ids: tuple[str, ...]) -> Inputs:
        release, kinds = self.release, self.bundle.params.data.kinds
        done = events.of_users(conn, user_ids, tuple(kinds), release.cutoff, release.known)
        users, as_of = IdMap(user_ids), lookup.microseconds(release.cutoff)
        own = histories(done, users, self.bundle.items, kinds, as_of)
        return Inputs(users, own, self.table, self.hidden)
