"""The charts of a release: what anybody may be shown, whoever they are."""

from collections.abc import Iterator

import numpy as np

from nextpick.features.items import ITEM_FEATURES, ItemTable, popularity_order

LENGTH = 200  # of a chart: whoever shows one leaves out what is hidden, or has been seen
ALL = ""  # the category that is the whole catalogue


def charts(table: ItemTable, length: int = LENGTH) -> Iterator[tuple[str, str, np.ndarray]]:
    """(chart, category, item rows int32, best first) of the whole catalogue and of each category that has any.

    popular: by interactions of the last 7 days, then of the last 28; only what somebody took in these.
    trending: by how much more often an item is taken in the last 7 days than in the last 28 (the feature `trend`);
    only what somebody took in the last 7.
    latest: the youngest first; only what has an age.
    Equal ones go by popularity, then by row. An item is in the chart of each of its categories.
    """
    by_popularity, _ = popularity_order(table)
    names = ("popularity_28d", "popularity_7d", "trend", "age_days")
    month, week, trend, age = (table.features[:, ITEM_FEATURES.index(name)] for name in names)
    members = _members(table)
    for chart, key, eligible in (
        ("popular", np.zeros(len(month)), month > 0),
        ("trending", -trend, week > 0),
        ("latest", age, ~np.isnan(age)),
    ):
        order = by_popularity[np.argsort(key[by_popularity], kind="stable")]
        order = order[eligible[order]]
        yield chart, ALL, order[:length]
        place = np.full(len(month), len(month))
        place[order] = np.arange(len(order))
        for category, rows in members:
            rows = rows[eligible[rows]]
            if len(rows):
                yield chart, category, rows[np.argsort(place[rows])][:length]


def _members(table: ItemTable) -> list[tuple[str, np.ndarray]]:
    """Each category's name and the rows of its items."""
    members: dict[str, list[int]] = {}
    for row, categories in enumerate(table.categories):
        for category in sorted(set(categories) - {ALL}):
            members.setdefault(category, []).append(row)
    return [(category, np.array(rows, np.int32)) for category, rows in sorted(members.items())]
