"""The charts: in their order, and only what belongs there."""

import numpy as np

from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.release.charts import ALL, charts

COLUMNS = ("popularity_7d", "popularity_28d", "trend", "age_days")
ITEMS = {  # item: its columns, and its categories
    "tea": ((5, 20, 0.0, 90), ("drink", "hot")),
    "maté": ((5, 30, -0.2, 90), ("drink", "hot")),
    "juice": ((0, 4, -1.2, 2), ("drink",)),
    "spoon": ((1, 1, 1.4, 30), ()),
    "shelf": ((0, 0, 0.0, np.nan), ("drink",)),
}


def table() -> ItemTable:
    features = np.zeros((len(ITEMS), len(ITEM_FEATURES)), np.float32)
    for row, (values, _) in enumerate(ITEMS.values()):
        for name, value in zip(COLUMNS, values, strict=True):
            features[row, ITEM_FEATURES.index(name)] = value
    return ItemTable(features, tuple(ITEMS), tuple(c for _, c in ITEMS.values()), np.full(len(ITEMS), np.nan))


def found(length: int = 200) -> dict[tuple[str, str], list[str]]:
    names = tuple(ITEMS)
    return {(chart, category): [names[row] for row in rows] for chart, category, rows in charts(table(), length)}


def test_each_chart_has_its_order_for_all_and_for_each_category_and_leaves_out_what_does_not_belong() -> None:
    assert found() == {
        ("popular", ALL): ["maté", "tea", "spoon", "juice"],
        ("popular", "drink"): ["maté", "tea", "juice"],
        ("popular", "hot"): ["maté", "tea"],
        ("trending", ALL): ["spoon", "tea", "maté"],
        ("trending", "drink"): ["tea", "maté"],
        ("trending", "hot"): ["tea", "maté"],
        ("latest", ALL): ["juice", "spoon", "maté", "tea"],
        ("latest", "drink"): ["juice", "maté", "tea"],
        ("latest", "hot"): ["maté", "tea"],
    }


def test_a_chart_is_no_longer_than_asked() -> None:
    assert max(len(rows) for rows in found(2).values()) == 2
    assert found(2)[("latest", "drink")] == ["juice", "maté"]
