"""An answer as it leaves: what the client reads, and what is kept of it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np

from nextpick.release.answer import Answer
from nextpick.release.explain import Explanation
from nextpick.release.loaded import Loaded
from nextpick.release.slots import CANDIDATES, FOLD_IN, RERANKED
from nextpick.store.impressions import Impression

MOST_WITH_FEATURES = 100  # items; of a longer answer the features would take too much of the queue
CHOSEN, JUST_CHOSEN = "chose", "You chose this a moment ago"  # of what a session names: viewed or bought, who knows
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def head(recommendation_id: UUID, user_id: str | None, scenario: str, loaded: Loaded, degraded: bool) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "recommendation_id": recommendation_id,
        "user_id": user_id,
        "scenario": scenario,
        "release": loaded.release_id,
        "model_version": loaded.model_version,
        "degraded": degraded,
    }


def items(loaded: Loaded, found: Answer, why: Sequence[str]) -> list[dict[str, Any]]:
    """The items of an answer."""
    slots, ids, titles = found.slots, loaded.items.ids, loaded.table.titles
    scores = [None if score != score else score for score in slots.scores.tolist()]
    return [
        {
            "item_id": ids[row],
            "title": titles[row],
            "score": scores[i],
            "rank": i + 1,
            "source": slots.sources[i],
            "reason": why[i],
        }
        for i, row in enumerate(slots.item_rows.tolist())
    ]


def explained(
    loaded: Loaded,
    explanations: Sequence[Explanation],
    answered: Sequence[dict[str, Any]],
    done: str,
    session: Set[str],
) -> list[dict[str, Any]]:
    """ExplanationOut of each of the items `answered`, whose reasons it does not speak against; `done` is what people
    do to items: bought, viewed. What was done to those of the session nobody knows."""
    return [_explained(loaded, *pair, done, session) for pair in zip(explanations, answered, strict=True)]


def _explained(loaded: Loaded, one: Explanation, item: dict[str, Any], done: str, session: Set[str]) -> dict[str, Any]:
    like = None
    if one.like is not None:
        row, cosine = one.like
        like = {"item_id": loaded.items.ids[row], "title": loaded.table.titles[row], "cosine": round(cosine, 4)}
    why = item["reason"]
    if like and one.because and item["item_id"] not in session:
        why = f"Because you {CHOSEN if like['item_id'] in session else done} {like['title']}"
    return {
        "proposed_by": [{"generator": name, "rank": rank + 1} for name, rank in one.proposed_by],
        "moved": [
            {
                "feature": moved.feature,
                "value": None if isnan(moved.value) else moved.value,
                "moved": round(moved.moved, 6),
                "text": moved.text,
            }
            for moved in one.moved
        ],
        "like": like,
        "text": _sentence(one, item["source"], why),
    }


def _sentence(one: Explanation, source: str, why: str) -> str:
    """Why it is here, then the two that raised it most; that something is not known speaks for nothing in itself."""
    raised = [moved.text for moved in one.moved if moved.moved > 0 and not isnan(moved.value)][:2]
    parts = [why]
    if raised:
        parts.append(f"what spoke for it most: {'; '.join(raised)}")
    if source == CANDIDATES:
        parts.append("your list was not scored anew this time")
    return f"{'; '.join(parts)}."


@dataclass(frozen=True)
class Kept:
    """Of an answer: whether it was `narrowed`, so that its first place is not the first of all; and whether `features`
    may be kept, which they may not where the session's items, which nothing stores, are in them."""

    narrowed: bool
    features: bool


def impression(
    recommendation_id: UUID, user_id: str | None, scenario: str, loaded: Loaded, found: Answer, how: Kept
) -> Impression:
    """What is kept of an answer. Of a share of answers, drawn by their ids, the features are kept too."""
    slots = found.slots
    scored = RERANKED in slots.sources or FOLD_IN in slots.sources
    share = loaded.scenarios[scenario].log_features
    kept = (
        how.features and scored and len(slots) <= MOST_WITH_FEATURES and recommendation_id.int % 10_000 < share * 10_000
    )
    return Impression(
        recommendation_id=recommendation_id,
        user_id=user_id,
        answered_at=datetime.now(UTC),
        as_of=_EPOCH + timedelta(microseconds=found.as_of),
        release_id=loaded.release_id,
        variant=loaded.variant,
        scenario=scenario,
        item_ids=tuple(loaded.items.ids[row] for row in slots.item_rows.tolist()),
        scores=slots.scores,
        sources=slots.sources,
        features=slots.features.copy() if kept else None,
        propensities=found.propensities.astype(np.float32) if found.explored else None,
        narrowed=how.narrowed,
    )
