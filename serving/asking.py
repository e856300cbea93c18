"""From what a client asks to what is wanted of a release."""

from dataclasses import dataclass
from time import time_ns
from typing import Any

import numpy as np

from nextpick.params import ScenarioParams
from nextpick.release.filters import Filter
from nextpick.release.loaded import Loaded, Since
from nextpick.release.wanted import Wanted
from serving.cursor import Cursor
from serving.problems import invalid
from serving.recommend_schemas import CategoriesIn, PriceIn, RecommendIn


@dataclass(frozen=True)
class Page:
    """What is wanted, and up to which moment (microseconds) what the user did counts; None for all of it."""

    wanted: Wanted
    until: int | None


def scenario_of(loaded: Loaded, name: str) -> ScenarioParams:
    """Raises: Problem 422 for one that the release does not know."""
    found = loaded.scenarios.get(name)
    if found is None:
        known = ", ".join(sorted(loaded.scenarios))
        raise invalid([{"loc": ["scenario"], "msg": f"release {loaded.release_id} knows {known}, got {name[:80]!r}"}])
    return found


def somebody(user_id: str | None, recent: list[str]) -> None:
    """Raises: Problem 422 where a request is for nobody."""
    if user_id is None and not recent:
        raise invalid([{"loc": ["user_id"], "msg": "name a user, or the session's recent_item_ids"}])


def page_of(asked: RecommendIn, loaded: Loaded, before: Cursor | None, seed: int) -> Page:
    """What a request wants. Raises: Problem 422 for an unknown scenario."""
    scenario = scenario_of(loaded, asked.scenario)
    excluded = known_rows(loaded, (*asked.exclude_item_ids, *(before.given if before else ())))
    wanted = Wanted(
        k=asked.top_k or scenario.top_k,
        policy=scenario.seen_policy,
        filter=_filter(asked.categories, asked.price, scenario),
        excluded=excluded,
        diversity=scenario.diversity if asked.diversity is None else asked.diversity,
        exploration=scenario.exploration,
        seed=seed,
        onward=before is not None,
    )
    return Page(wanted, before.as_of if before else None)


def with_recent(loaded: Loaded, since: Since, recent: list[str], until: int | None) -> Since:
    """What the user did, up to a moment, and then the session's items just before that, or now."""
    if until is not None:
        since = since.before(until)
    if not recent:
        return since
    moment = max(time_ns() // 1000 if until is None else until - 1, loaded.cutoff + len(recent))
    return since.then(known_rows(loaded, recent), max(loaded.kinds.values()), moment)


def known_rows(loaded: Loaded, ids: Any) -> np.ndarray:
    """The rows of those items that the release knows: int32, in their order."""
    return np.array([row for item_id in ids if (row := loaded.items.row(item_id)) is not None], np.int32)


def _filter(categories: CategoriesIn | None, price: PriceIn | None, scenario: ScenarioParams) -> Filter:
    """Both the request's and the scenario's must let an item pass."""
    if categories is None and price is None and not scenario.narrows:
        return Filter()
    own, cost = scenario.categories, scenario.price
    asked = categories or CategoriesIn(any=[], all=[], none=[])
    limits = price or PriceIn()
    lows = [low for low in (cost.min, limits.min) if low is not None]
    highs = [high for high in (cost.max, limits.max) if high is not None]
    return Filter(
        any_of=tuple(group for group in (own.any, tuple(asked.any)) if group),
        all_of=(*own.all, *asked.all),
        none_of=(*own.none, *asked.none),
        min_price=max(lows, default=None),
        max_price=min(highs, default=None),
    )
