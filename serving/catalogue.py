"""What may be asked of items, whoever asks: similar ones, charts, one item; and items taken in."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import orjson

from nextpick.release.charts import ALL
from nextpick.store import sql
from serving.arm import Current
from serving.database import WRITE_SECONDS, Database, Row, Unavailable
from serving.follower import Follower
from serving.item_schemas import ItemIn, ItemsOut
from serving.problems import Problem, away, invalid

_SQL = sql.load("catalogue")
SIMILAR, CATEGORY = "similar", "category"


@dataclass
class Places:
    """A list in the making: what may be shown, each item once, up to k."""

    current: Current
    k: int
    taken: set[int]
    items: list[dict[str, Any]]

    def fill(self, rows: Iterable[int], source: str, scores: Iterable[float | None]) -> None:
        """Add items, best first."""
        loaded = self.current.loaded
        for row, score in zip(rows, scores, strict=False):
            if len(self.items) == self.k:
                return
            if row in self.taken or self.current.hidden[row]:
                continue
            self.taken.add(row)
            self.items.append(
                {
                    "item_id": loaded.items.ids[row],
                    "title": loaded.table.titles[row],
                    "rank": len(self.items) + 1,
                    "score": score,
                    "source": source,
                }
            )


class Catalogue:
    """Reads come from the release that is served, so that lists and answers agree; one item is as it is now."""

    def __init__(self, database: Database, follower: Follower) -> None:
        self._database, self._follower = database, follower

    async def similar(self, item_id: str, k: int) -> dict[str, Any]:
        """The body of ListedOut: the item's nearest, then what is popular in its finest category.

        Raises: Problem 404 for an item the release does not know, 503 before the first release.
        """
        current = self._follower.served()
        loaded = current.loaded
        row = loaded.items.row(item_id)
        if row is None:
            raise unknown_item(item_id, f"in release {loaded.release_id}, which is live; the next may know it")
        places, degraded = Places(current, k, {row}, []), False
        try:
            found = await self._database.fetch_one(_SQL["similar"], {"release_id": loaded.release_id, "item_row": row})
        except Unavailable:
            found, degraded = None, True
        if found is not None:
            places.fill(found[0].tolist(), SIMILAR, np.round(found[1].astype(float), 4).tolist())
        if categories := loaded.table.categories[row]:
            places.fill(_chart(current, "popular", categories[-1]), CATEGORY, repeat(None))
        return {"release": loaded.release_id, "degraded": degraded, "items": places.items}

    def chart(self, order: str, category: str | None, k: int) -> dict[str, Any]:
        """The body of ListedOut. Raises: Problem 404 for a category of no item, 503 before the first release."""
        current = self._follower.served()
        if category is not None and category not in current.loaded.members:
            raise Problem(404, "unknown-category", f"No item of the live release is in the category {category!r}.")
        places = Places(current, k, set(), [])
        places.fill(_chart(current, order, category or ALL), order, repeat(None))
        return {"release": current.loaded.release_id, "degraded": False, "items": places.items}

    async def item(self, item_id: str) -> dict[str, Any]:
        """The body of CatalogueItemOut. Raises: Problem 404 for an unknown item, 503 while the database is away."""
        try:
            found = await self._database.fetch_one(_SQL["get"], {"item_id": item_id})
        except Unavailable as error:
            raise away("The item was not read.") from error
        if found is None:
            raise unknown_item(item_id, "in the catalogue. PUT /items adds one")
        names = ("item_id", "title", "categories", "price", "published_at", "attributes", "hidden", "updated_at")
        current = self._follower.current
        known = current is not None and current.loaded.items.row(item_id) is not None
        return {**dict(zip(names, found, strict=True)), "in_release": known}

    async def put(self, items: list[ItemIn], *, batch: bool) -> ItemsOut:
        """Store the items, all or none; what is hidden now is out of the next answer of this process.

        Raises: Problem 422 where an id stands twice, 503 while the database is away.
        """
        _require_once([item.item_id for item in items], batch)
        sent = orjson.dumps([item.model_dump(mode="json", exclude_unset=True) for item in items]).decode()
        try:
            added, changed, missed, _ = await self._written(sent)
            if missed:
                again, more, _, _ = await self._written(sent)
                added, changed = added + again, changed + more
        except Unavailable as error:
            raise away(
                "No item of this request is known to be stored; sending it again does no harm.", error
            ) from error
        await self._follower.look()
        return ItemsOut(added=added, changed=changed, unchanged=len(items) - added - changed)

    async def _written(self, sent: str) -> Row:
        row = await self._database.fetch_one(_SQL["put"], {"items": sent}, WRITE_SECONDS)
        return row or (0, 0, 0, None)


def unknown_item(item_id: str, where: str) -> Problem:
    """404 for an item that is not where it was looked for."""
    return Problem(404, "unknown-item", f"There is no item {item_id!r} {where}.")


def _chart(current: Current, chart: str, category: str) -> list[int]:
    rows: list[int] = current.loaded.charts.get((chart, category), np.empty(0, np.int32)).tolist()
    return rows


def _require_once(item_ids: list[str], batch: bool) -> None:
    first: dict[str, int] = {}
    for place, item_id in enumerate(item_ids):
        if item_id in first:
            where = ["items", place, "item_id"] if batch else ["item_id"]
            raise invalid([{"loc": where, "msg": f"{item_id!r} is items.{first[item_id]} too; send each item once"}])
        first[item_id] = place
