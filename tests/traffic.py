"""A shop that does not change, week after week: what drift must not see anything in. Closed on Saturdays.

About 250 users a week buy baskets of some five lines out of 300 items, the first of them the most; one line in
thirty comes back.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

END = datetime(2025, 11, 12, 18, tzinfo=UTC)  # a Wednesday
WEEKS = 14
SATURDAY = 5
US_PER_HOUR = 3_600_000_000
ITEMS = tuple(f"item-{i:03}" for i in range(300))


def catalogue() -> pd.DataFrame:
    """ITEM_COLUMNS of the items."""
    return pd.DataFrame(
        {
            "item_id": list(ITEMS),
            "title": [item.title() for item in ITEMS],
            "categories": [[] for _ in ITEMS],
            "price": np.random.default_rng(1).lognormal(1, 0.8, len(ITEMS)).round(2),
            "published_at": pd.Series([END - timedelta(weeks=WEEKS)] * len(ITEMS)).astype("datetime64[us, UTC]"),
            "attributes": "{}",
        }
    )


def events(end: datetime = END, weeks: int = WEEKS, seed: int = 7) -> pd.DataFrame:
    """EVENT_COLUMNS of the weeks before `end`, oldest first."""
    rng = np.random.default_rng(seed)
    baskets = 55 * 7 * weeks  # one in seven falls on a Saturday
    hours = rng.integers(0, 7 * weeks, baskets) * 24 + rng.integers(9, 19, baskets)
    midnight = end.replace(hour=0) + timedelta(days=1)
    at = int(midnight.timestamp()) * 1_000_000 - hours * US_PER_HOUR - rng.integers(0, US_PER_HOUR, baskets)
    users = rng.exponential(500, baskets).astype(int)
    rows = np.repeat(np.arange(baskets), rng.geometric(0.2, baskets))
    frame = pd.DataFrame(
        {
            "user_id": [f"user-{user}" for user in users[rows]],
            "item_id": np.array(ITEMS)[np.minimum(rng.exponential(60, len(rows)), 299).astype(int)],
            "kind": np.where(rng.random(len(rows)) < 1 / 30, "return", "purchase"),
            "occurred_at": pd.to_datetime(at[rows], unit="us", utc=True),
            "value": rng.lognormal(2, 1, len(rows)).round(2),
        }
    )
    frame = frame[(frame["occurred_at"] < end) & (frame["occurred_at"].dt.weekday != SATURDAY)]
    frame = frame.sort_values(["occurred_at", "user_id", "item_id"], ignore_index=True)
    frame["occurred_at"] = frame["occurred_at"].astype("datetime64[us, UTC]")
    frame.insert(0, "event_id", [f"{seed}-{i}" for i in range(len(frame))])
    return frame
