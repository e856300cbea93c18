"""Answer a request: one database round trip, one pass of the ranker, and a way out when either fails."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import structlog

from nextpick.release import lookup
from nextpick.release.answer import Answer, ListRow, Loaded, Since, answer
from nextpick.store.impressions import Impression
from serving.database import Database, Unavailable
from serving.follower import Current, Follower
from serving.impressions import ImpressionLog
from serving.metrics import Metrics

SCENARIO = "default"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger()


class Recommender:
    """Answers from the release the follower holds at the moment of the request, and from no other."""

    def __init__(self, database: Database, follower: Follower, impressions: ImpressionLog, metrics: Metrics) -> None:
        self._database, self._follower = database, follower
        self._impressions, self._metrics = impressions, metrics

    async def recommend(self, user_id: str, k: int) -> dict[str, Any]:
        """The body of RecommendOut. Raises: Problem 503 before the first release; nothing else once there is one."""
        current = self._follower.served()
        row, since, missing = await self._read(current.loaded, user_id)
        result, ranker_failed = self._answer(current, row, since, k)
        missing += ("ranker",) if ranker_failed else ()
        for what in missing:
            self._metrics.degraded.labels(what).inc()
        for source, count in Counter(result.sources).items():
            self._metrics.slots.labels(source).inc(count)
        recommendation_id = uuid4()
        self._impressions.add(_impression(recommendation_id, user_id, current.loaded, result))
        return _body(recommendation_id, user_id, current.loaded, result, bool(missing))

    async def _read(self, loaded: Loaded, user_id: str) -> tuple[ListRow | None, Since, tuple[str, ...]]:
        try:
            row = await self._database.fetch_one(lookup.READ, lookup.parameters(loaded, user_id))
            return *(lookup.parse(loaded, row) if row else (None, Since.nothing())), ()
        except Unavailable:
            return None, Since.nothing(), ("database",)
        except Exception:
            log.exception("list not read", release=loaded.release_id)
            return None, Since.nothing(), ("database",)

    def _answer(self, current: Current, row: ListRow | None, since: Since, k: int) -> tuple[Answer, bool]:
        try:
            return answer(current.loaded, row, since, k, current.hidden), False
        except Exception:
            log.exception("not reranked; the list's own order is answered", release=current.loaded.release_id)
            return answer(current.loaded, row, Since.nothing(), k, current.hidden, rerank=False), True


def _impression(recommendation_id: UUID, user_id: str, loaded: Loaded, result: Answer) -> Impression:
    return Impression(
        recommendation_id=recommendation_id,
        user_id=user_id,
        answered_at=datetime.now(UTC),
        as_of=_EPOCH + timedelta(microseconds=result.as_of),
        release_id=loaded.release_id,
        variant=loaded.variant,
        scenario=SCENARIO,
        item_ids=tuple(loaded.items.ids[row] for row in result.item_rows.tolist()),
        scores=result.scores,
        sources=result.sources,
        features=result.features if "reranked" in result.sources else None,
    )


def _body(recommendation_id: UUID, user_id: str, loaded: Loaded, result: Answer, degraded: bool) -> dict[str, Any]:
    scores = [None if np.isnan(score) else score for score in result.scores.tolist()]
    return {
        "recommendation_id": recommendation_id,
        "user_id": user_id,
        "release": loaded.release_id,
        "model_version": loaded.model_version,
        "degraded": degraded,
        "items": [
            {
                "item_id": loaded.items.ids[row],
                "title": loaded.table.titles[row],
                "score": scores[i],
                "rank": i + 1,
                "source": result.sources[i],
                "reason": result.reasons[i],
            }
            for i, row in enumerate(result.item_rows.tolist())
        ],
    }
