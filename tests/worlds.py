"""Histories whose right answer is known by construction, and parameters to fit them with."""

from pathlib import Path

import numpy as np
import pandas as pd

from nextpick.features.histories import Histories, histories
from nextpick.idmap import IdMap
from nextpick.params import Params, load_params
from nextpick.schema import US_PER_DAY

NOW = 1_760_000_000_000_000  # October 2025, microseconds
KINDS = {"purchase": 1.0, "view": 0.25}


def params(**sections: dict[str, object]) -> Params:
    """Those of params.yaml with some values changed: `params(als={"factors": 8})`."""
    project = load_params(Path(__file__).resolve().parent.parent / "params.yaml")
    changed = {name: getattr(project, name).model_copy(update=values) for name, values in sections.items()}
    return project.model_copy(update=changed)


def frame(rows: list[tuple[str, str, float]], kind: str = "purchase", now: int = NOW) -> pd.DataFrame:
    """Interactions (EVENT_COLUMNS) from (user, item, days before `now`)."""
    at = [now - round(days * US_PER_DAY) for *_, days in rows]
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(len(rows))],
            "user_id": pd.Series([user for user, *_ in rows], dtype="str"),
            "item_id": pd.Series([item for _, item, _ in rows], dtype="str"),
            "kind": pd.Series([kind] * len(rows), dtype="str"),
            "occurred_at": pd.to_datetime(pd.Series(at, dtype="int64"), unit="us", utc=True),
            "value": np.nan,
        }
    )


def catalogue(ids: list[str], prices: list[float] | None = None) -> pd.DataFrame:
    """ITEM_COLUMNS; an item is published at no known time."""
    return pd.DataFrame(
        {
            "item_id": pd.Series(ids, dtype="str"),
            "title": [f"The {id_}" for id_ in ids],
            "categories": [[id_[0]] for id_ in ids],
            "price": prices or [float(n + 1) for n in range(len(ids))],
            "published_at": pd.Series([pd.NaT] * len(ids), dtype="datetime64[us, UTC]"),
            "attributes": ["{}"] * len(ids),
        }
    )


def checkerboard(n: int = 12) -> Histories:
    """n users and n items (n even): user u has every item i of its own colour, (u + i) even, but the item u itself.

    So the one item that a user like u would recommend is u. Item n is in the catalogue, and nobody has it.
    """
    rows = [(f"u{u:02}", f"i{i:02}", 1.0 + i) for u in range(n) for i in range(n) if (u + i) % 2 == 0 and i != u]
    users, items = IdMap(tuple(f"u{u:02}" for u in range(n))), IdMap(tuple(f"i{i:02}" for i in range(n + 1)))
    return histories(frame(rows), users, items, KINDS, NOW)


def joined(*parts: Histories) -> Histories:
    """The users of all parts, one after the other."""
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("item_rows", "counts", "weights", "first_at", "last_at")
    }
    sizes = np.concatenate([np.diff(part.indptr) for part in parts])
    return Histories(
        as_of=parts[0].as_of, n_items=parts[0].n_items, indptr=np.concatenate([[0], np.cumsum(sizes)]), **arrays
    )
