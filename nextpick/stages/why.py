"""Stage: where a recommendation came from, link by link, and what moved the score of each of its items."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
import psycopg

from nextpick.errors import ConfigError, DataError
from nextpick.settings import Settings
from nextpick.stages import usable
from nextpick.store import impressions, items, releases, standings
from nextpick.store.impressions import Impression
from nextpick.store.standings import Standing


@dataclass(frozen=True)
class Move:
    """A feature, its value as it was when the answer was given (NaN: unknown), and how far it moved the score."""

    feature: str
    value: float
    by: float


@dataclass(frozen=True)
class Item:
    """One place of the answer; `moves` are those of all features, the furthest first, and empty where no ranker ran."""

    rank: int
    item_id: str
    title: str
    score: float
    source: str
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Chain:
    """`lineage` is the release's; `start` what every score starts from; `missing` why nothing is said of features."""

    impression: Impression
    release: Standing
    lineage: dict[str, str]
    items: tuple[Item, ...]
    start: float
    missing: str


def run(conn: psycopg.Connection, settings: Settings, recommendation_id: str) -> Chain:
    """The chain of a recommendation. Its features are the stored ones: nothing is computed from what came later.

    Raises: ConfigError where that is no id; DataError where no answer of that id is stored.
    """
    impression = impressions.get(conn, _id(recommendation_id))
    if impression is None:
        raise DataError(
            f"There is no recommendation {recommendation_id}: it was never given, is not written yet (that takes "
            "seconds), was given to a user who was erased since, or is older than answers are kept."
        )
    release = standings.get(conn, impression.release_id)
    lineage = {name: str(value) for name, value in releases.get(conn, release.release_id).lineage.items()}
    moves, start, missing = _moves(settings, release, impression)
    titles = items.titles(conn, impression.item_ids)
    told = tuple(
        Item(i + 1, item_id, titles.get(item_id, item_id), float(impression.scores[i]), impression.sources[i], moves[i])
        for i, item_id in enumerate(impression.item_ids)
    )
    return Chain(impression, release, lineage, told, start, missing)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ConfigError(
            f"{text[:100]!r} is no recommendation's id. It is the recommendation_id of an answer of the API, such as "
            "3f2b8c1e-5f0a-4d7c-9a53-0c9d4f1f6a11."
        ) from None


def _moves(settings: Settings, release: Standing, impression: Impression) -> tuple[list[tuple[Move, ...]], float, str]:
    """Of each item; what every score starts from; and why there is nothing to tell."""
    none: list[tuple[Move, ...]] = [()] * len(impression.item_ids)
    if impression.features is None:
        return none, 0.0, "No ranker ran for this answer, so no feature moved anything."
    if fault := usable.bundle_fault(settings, release):
        return none, 0.0, f"What moved the scores cannot be said: {fault}"
    from nextpick.models.bundle import load_bundle  # late: it costs seconds

    bundle = load_bundle(usable.place(settings, release), release.bundle_sha256)
    width = len(bundle.features)
    features = impression.features.reshape(len(impression.item_ids), width)
    each = bundle.ranker.contributions(features)
    ranked = np.flatnonzero(~np.isnan(impression.scores))
    if not np.allclose(each[ranked].sum(axis=1), impression.scores[ranked], rtol=1e-4, atol=1e-4):
        return none, 0.0, "The stored scores are not those the release's bundle gives: other code has answered."
    for i in ranked.tolist():
        order = np.argsort(-np.abs(each[i, :width]), kind="stable").tolist()
        none[i] = tuple(Move(bundle.features[f], float(features[i, f]), float(each[i, f])) for f in order)
    return none, float(each[0, width]), ""
