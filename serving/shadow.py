"""The challenger in the shadow: asked what it would have answered, beside the answer, and shown to nobody."""

import asyncio

import structlog
from prometheus_client import Counter, Histogram

from nextpick.release import lookup
from nextpick.release.answer import Answer, answer
from nextpick.release.loaded import Since
from serving.arm import Current
from serving.asking import page_of, with_recent
from serving.database import Database, Unavailable
from serving.load import Load
from serving.metrics import Metrics
from serving.recommend_schemas import RecommendIn
from serving.scoring import Busy, Scoring

AT_ONCE = 4  # more are not asked: nobody waits for them, and those who wait go first
OVERLAP = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
log = structlog.get_logger()


class Shadow:
    """Compares what was answered with what the challenger would have answered the same user at the same moment."""

    def __init__(self, database: Database, metrics: Metrics, load: Load) -> None:
        self._database, self._load, self._scoring = database, load, Scoring()
        self._asking: set[asyncio.Task[None]] = set()
        what = "Items that the challenger in the shadow would have answered too, of those that were answered."
        self._overlap = Histogram("nextpick_shadow_overlap", what, buckets=OVERLAP, registry=metrics.registry)
        what = "Answers for which the challenger in the shadow was asked, and what became of that."
        self._answers = Counter("nextpick_shadow_answers_total", what, ("outcome",), registry=metrics.registry)
        for outcome in ("compared", "failed", "skipped"):
            self._answers.labels(outcome)

    def ask(self, challenger: Current | None, asked: RecommendIn, shown: tuple[str, ...], seed: int) -> None:
        """Begin to ask it, where there is one, a first page is asked for, and there is time to spare; with the `seed`
        of the answer, so that chance is no difference. Never raises."""
        if challenger is None or asked.cursor is not None or not shown:
            return
        if len(self._asking) >= AT_ONCE or self._load.heavy:
            self._answers.labels("skipped").inc()
            return
        task = asyncio.create_task(self._compare(challenger, asked, shown, seed))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def close(self) -> None:
        """Ask nothing more."""
        for task in self._asking:
            task.cancel()
        self._scoring.close()

    async def _compare(self, challenger: Current, asked: RecommendIn, shown: tuple[str, ...], seed: int) -> None:
        try:
            found = await self._answer(challenger, asked, seed)
        except (Unavailable, Busy):
            self._answers.labels("skipped").inc()
        except Exception:
            self._answers.labels("failed").inc()
            log.exception("the challenger in the shadow did not answer", release=challenger.loaded.release_id)
        else:
            ids = {challenger.loaded.items.ids[row] for row in found.slots.item_rows.tolist()}
            self._overlap.observe(len(ids.intersection(shown)) / len(shown))
            self._answers.labels("compared").inc()

    async def _answer(self, challenger: Current, asked: RecommendIn, seed: int) -> Answer:
        loaded = challenger.loaded
        row, since = None, Since.nothing()
        if asked.user_id is not None:
            found = await self._database.fetch_one(lookup.READ, lookup.parameters(loaded, asked.user_id))
            row, since = lookup.parse(loaded, found) if found else (None, since)
        page = page_of(asked, loaded, None, seed)
        since = with_recent(loaded, since, asked.recent_item_ids, page.until)
        return await self._scoring.run(lambda: answer(loaded, row, since, page.wanted, challenger.hidden))
