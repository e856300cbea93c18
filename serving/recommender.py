"""Answer a request: one database round trip, one pass of the ranker, and a way out when either fails."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import orjson
import structlog

from nextpick.release import lookup
from nextpick.release.answer import Answer, answer, light, reasons
from nextpick.release.explain import explain
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.order import order
from nextpick.release.reasons import verb
from nextpick.release.wanted import Showable, Wanted
from serving import answers, cursor
from serving.arm import Current
from serving.asking import known_rows, page_of, scenario_of, somebody, with_recent
from serving.cursor import LONGEST, MOST_GIVEN, Cursor
from serving.database import Database, Unavailable
from serving.follower import Follower
from serving.impressions import ImpressionLog
from serving.load import Load
from serving.metrics import Metrics
from serving.recommend_schemas import RankIn, RecommendIn
from serving.scoring import TO_EXPLAIN, Busy, Scoring
from serving.shadow import Shadow

log = structlog.get_logger()


class Recommender:
    """Answers from the release the follower holds at the moment of the request, and from no other."""

    def __init__(
        self, database: Database, follower: Follower, impressions: ImpressionLog, metrics: Metrics, load: Load
    ) -> None:
        self._database, self._follower = database, follower
        self._impressions, self._metrics, self._load = impressions, metrics, load
        self.scoring, self.explaining = Scoring(), Scoring(TO_EXPLAIN)
        self._shadow = Shadow(database, metrics, load)

    def close(self) -> None:
        """Score nothing more."""
        self.scoring.close()
        self.explaining.close()
        self._shadow.close()

    async def recommend(self, asked: RecommendIn) -> dict[str, Any]:
        """The body of RecommendOut. Raises: Problem 422 for what the release does not know, 503 before the first
        release or where too much is asked at once; nothing else."""
        with self._load.one():
            return await self._recommend(asked)

    async def _recommend(self, asked: RecommendIn) -> dict[str, Any]:
        somebody(asked.user_id, asked.recent_item_ids)
        current, recommendation_id = self._follower.served(asked.user_id, asked.scenario), uuid4()
        loaded, digest = current.loaded, _digest(asked)
        before = cursor.read(asked.cursor, current.secret, digest) if asked.cursor else None
        page = page_of(asked, loaded, before, recommendation_id.int)
        row, since, missing = await self._read(loaded, asked.user_id)
        since = with_recent(loaded, since, asked.recent_item_ids, page.until)
        found, failed = await self._answered(current, row, since, page.wanted)
        body = await self._body(recommendation_id, asked, loaded, found, missing + failed, page.wanted.narrowed)
        shown = tuple(item["item_id"] for item in body["items"])
        self._shadow.ask(self._follower.shadow(asked.user_id), asked, shown, recommendation_id.int)
        for item in body["items"]:
            item["rank"] += len(before.given) if before else 0
        body["cursor"] = _next(before, loaded, found, page.wanted.k, digest, current.secret)
        return body

    async def rank(self, asked: RankIn) -> dict[str, Any]:
        """The body of RankOut. Raises: as recommend."""
        with self._load.one():
            return await self._rank(asked)

    async def _rank(self, asked: RankIn) -> dict[str, Any]:
        somebody(asked.user_id, asked.recent_item_ids)
        current, recommendation_id = self._follower.served(asked.user_id, asked.scenario), uuid4()
        loaded = current.loaded
        scenario_of(loaded, asked.scenario)
        row, since, missing = await self._read(loaded, asked.user_id)
        since = with_recent(loaded, since, asked.recent_item_ids, None)
        rows = known_rows(loaded, asked.item_ids)
        rows = rows[~current.hidden[rows]]
        scored, failed = await self._tried(lambda: order(loaded, row, since, rows), quick=False)
        found = order(loaded, None, Since.nothing(), rows, rerank=False) if scored is None else scored
        body = await self._body(recommendation_id, asked, loaded, found, missing + failed, narrowed=True)
        body["items"] = _ranked(current, asked.item_ids, body["items"])
        return body

    async def _read(self, loaded: Loaded, user_id: str | None) -> tuple[ListRow | None, Since, tuple[str, ...]]:
        if user_id is None:
            return None, Since.nothing(), ()
        start = perf_counter()
        try:
            row = await self._database.fetch_one(lookup.READ, lookup.parameters(loaded, user_id))
            return *(lookup.parse(loaded, row) if row else (None, Since.nothing())), ()
        except Unavailable:
            return None, Since.nothing(), ("database",)
        except Exception:
            log.exception("list not read", release=loaded.release_id)
            return None, Since.nothing(), ("database",)
        finally:
            self._metrics.list_seconds.observe(perf_counter() - start)

    async def _answered(
        self, current: Current, row: ListRow | None, since: Since, wanted: Wanted
    ) -> tuple[Answer, tuple[str, ...]]:
        """The answer, or in place of it the list's own order; and what that lacks."""
        loaded, hidden = current.loaded, current.hidden
        quick = light(loaded, row, since, wanted, hidden)
        with suppress(Exception):  # a figure less, and no answer
            self._count(current, row, wanted)
        found, failed = await self._tried(lambda: answer(loaded, row, since, wanted, hidden), quick)
        if found is not None:
            return found, failed
        plain = replace(wanted, diversity=0.0)
        try:
            return answer(loaded, row, since, plain, hidden, rerank=False), failed
        except Exception:
            log.exception("answered without what the user did since", release=loaded.release_id)
            return answer(loaded, row, Since.nothing(), plain, hidden, rerank=False), failed

    async def _tried(self, work: Callable[[], Answer], quick: bool) -> tuple[Answer | None, tuple[str, ...]]:
        """What `work` makes, beside the loop unless it is `quick`; None where that fails or would take too long."""
        if self._load.heavy:
            return None, ("time",)
        start = perf_counter()
        try:
            return work() if quick else await self.scoring.run(work), ()
        except Busy:
            return None, ("time",)
        except Exception:
            log.exception("not scored; the answer is in another order")
            return None, ("ranker",)
        finally:
            self._metrics.rank_seconds.observe(perf_counter() - start)

    def _count(self, current: Current, row: ListRow | None, wanted: Wanted) -> None:
        """How many candidates the user's list has, and how many of them may not be shown."""
        if row is None:
            return
        rows = row.item_rows
        self._metrics.candidates.observe(len(rows))
        if current.hidden_ids and (hidden := int(current.hidden[rows].sum())):
            self._metrics.filtered_hidden.inc(hidden)
        if wanted.narrowed:
            asked = replace(wanted, policy="allow")
            nobody = np.zeros(len(current.hidden), bool)
            kept = Showable(current.loaded, asked, nobody, rows[:0]).of(rows)
            self._metrics.filtered_request.inc(len(rows) - int(kept.sum()))

    async def _items(
        self, loaded: Loaded, found: Answer, explained: bool, session: frozenset[str]
    ) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        """The items, each with its explanation where that is asked for; null where there is none in time."""
        items = answers.items(loaded, found, reasons(loaded, found))
        for item in items if session else ():
            if item["item_id"] in session:
                item["reason"] = answers.JUST_CHOSEN
        if not explained:
            return items, ()
        told: Sequence[dict[str, Any] | None] = [None] * len(items)
        missing: tuple[str, ...] = ("explanation",)
        try:
            told, missing = await self.explaining.run(lambda: _explained(loaded, found, items, session)), ()
        except Busy:
            pass
        except Exception:
            log.exception("not explained", release=loaded.release_id)
        return [{**item, "explanation": one} for item, one in zip(items, told, strict=True)], missing

    async def _body(
        self,
        recommendation_id: UUID,
        asked: RecommendIn | RankIn,
        loaded: Loaded,
        found: Answer,
        missing: tuple[str, ...],
        narrowed: bool,
    ) -> dict[str, Any]:
        """Count the answer, keep it, and write it."""
        items, silent = await self._items(loaded, found, asked.explain, frozenset(asked.recent_item_ids))
        degraded = bool(missing + silent)
        self._metrics.given(loaded.variant, degraded).inc()
        for what in missing + silent:
            self._metrics.degraded.labels(what).inc()
        for source, count in Counter(found.slots.sources).items():
            self._metrics.slots.labels(source).inc(count)
        kept = answers.Kept(narrowed, features=not asked.recent_item_ids)
        user_id, scenario = asked.user_id, asked.scenario
        self._impressions.add(answers.impression(recommendation_id, user_id, scenario, loaded, found, kept))
        head = answers.head(recommendation_id, user_id, scenario, loaded, degraded)
        return {**head, "items": items}


def _explained(
    loaded: Loaded, found: Answer, items: list[dict[str, Any]], session: frozenset[str]
) -> list[dict[str, Any]]:
    return answers.explained(loaded, explain(loaded, found), items, verb(tuple(loaded.kinds)), session)


def _ranked(current: Current, sent: list[str], known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All items that were sent: those in order, then the hidden, then the unknown."""
    loaded = current.loaded
    for item in known:
        del item["source"]
        item["state"] = "ranked"
    rows = [(item_id, loaded.items.row(item_id)) for item_id in sent]
    hidden = [(item_id, row) for item_id, row in rows if row is not None and current.hidden[row]]
    unknown = [(item_id, row) for item_id, row in rows if row is None]
    return known + [
        {
            "item_id": item_id,
            "title": None if row is None else loaded.table.titles[row],
            "score": None,
            "rank": len(known) + i + 1,
            "state": "unknown" if row is None else "hidden",
            "reason": None,
        }
        for i, (item_id, row) in enumerate([*hidden, *unknown])
    ]


def _digest(asked: RecommendIn) -> str:
    same = asked.model_dump(exclude={"top_k", "cursor", "explain"})
    return cursor.request_digest(orjson.dumps(same, option=orjson.OPT_SORT_KEYS))


def _next(before: Cursor | None, loaded: Loaded, found: Answer, k: int, digest: str, secret: bytes) -> str | None:
    ids = (loaded.items.ids[row] for row in found.slots.item_rows.tolist())
    given = (*(before.given if before else ()), *ids)
    if len(found) < k or len(given) >= MOST_GIVEN:
        return None
    started = before or Cursor(loaded.release_id, found.as_of, digest, ())
    written = cursor.write(replace(started, given=given), secret)
    return written if len(written) <= LONGEST else None
