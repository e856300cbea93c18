"""What a drift report is made from besides events: what became of answers, what they showed, and whether they were
ranked by what training would have computed."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import psycopg
import structlog

from nextpick.drift import lists
from nextpick.drift.columns import POPULARITY_DAYS, Number, Rate
from nextpick.drift.measure import Measure, Verdict
from nextpick.drift.outcome import ATTRIBUTION, by_release, online, ripe, taken
from nextpick.drift.windows import Window, Windows
from nextpick.evaluation.metrics import ndcg_at_k
from nextpick.settings import Settings
from nextpick.stages import skew
from nextpick.store import outcomes

SKEWED = 0.01  # of the answers compared, and more than one: a race that nobody saw is no fault of the features
FEW = 5  # of the usual week one part in so many is enough to compare
log = structlog.get_logger()


def became(
    conn: psycopg.Connection, kinds: Sequence[str], windows: Windows, k: int, min_rows: int
) -> tuple[tuple[Rate, ...], tuple[Number, ...], dict[int, tuple[int, int]]]:
    """How many answers were followed by the user's taking something they showed, the mean of their ndcg, and the first
    of each release in the current window. Nothing of any where there were no answers."""
    spans = [ripe(window) for window in (windows.current, *windows.weeks)]
    found = [outcomes.followed(conn, kinds, *span, ATTRIBUTION) for span in spans]
    now, *before = [taken(some) for some in found]
    if not any(answers for _, answers in (now, *before)):
        return (), (), {}
    ndcg = [online(some, k, ndcg_at_k) for some in found]
    sizes = [len(some) for some in ndcg]
    means = [float(some.mean()) if len(some) >= min_rows else None for some in ndcg]
    return (
        (Rate("answers_taken", "outcome", now, tuple(before), "down"),),
        (Number("online_ndcg", "outcome", means[0], tuple(means[1:]), "down", n=(sum(sizes[1:]), sizes[0])),),
        by_release(found[0]),
    )


def showed(
    conn: psycopg.Connection, kinds: Sequence[str], windows: Windows, catalogue: int, min_rows: int
) -> tuple[Number, ...]:
    """How much of a catalogue of so many items answers show, how much of it is popular, and how much they change;
    nothing where there were no answers. A window with fewer than min_rows, or than a fifth of the usual week's, tells
    nothing: a few answers show a few items."""
    spans = windows.current, *windows.weeks
    shown = [outcomes.shown(conn, *span) for span in spans]
    sizes = [len(one.users) for one in shown]
    if not any(sizes):
        return ()
    heads = [lists.head(outcomes.popularity(conn, kinds, *_before(span)), catalogue) for span in spans]
    least = max(min_rows, int(np.median(sizes[1:])) // FEW)
    n = lists.alike(sizes, least)

    def number(name: str, values: Iterable[float | None]) -> Number:
        now, *before = [value if size >= least else None for value, size in zip(values, sizes, strict=True)]
        return Number(name, "distribution", now, tuple(before), n=(sum(sizes[1:]), sizes[0]))

    return (
        number("list_coverage", (lists.coverage(one, n, catalogue) for one in shown)),
        number("list_popularity", (lists.popularity_share(*pair) for pair in zip(shown, heads, strict=True))),
        number("list_churn", (lists.churn(one) for one in shown)),
    )


def skewed(conn: psycopg.Connection, settings: Settings, release_id: int | None, window: Window) -> tuple[Measure, ...]:
    """The share of a sample of answers whose features training would not have computed; any real share is a fault.

    Nothing where there was no answer to compare; too few rows where none could be, as where the bundle is gone.
    """
    if release_id is None:
        return ()
    try:
        found = skew.run(conn, settings, release_id, window)
    except Exception as error:  # noqa: BLE001 - a bundle may be broken in any way: one figure less, and not all of them
        log.warning("skew not measured", release=release_id, why=f"{type(error).__name__}: {error}")
        found = skew.Skew(0, 0, None, {str(error): 1}, 0)
    if not found.compared and not found.left_out:
        return ()
    if not found.compared:
        return (Measure("served_features", "skew", None, None, None, 0, 0, "too_few_rows", "contract"),)
    threshold, value = max(SKEWED, 1 / found.compared), found.unequal / found.compared
    verdict: Verdict = "broken" if value > threshold else "ok"
    return (Measure("served_features", "skew", value, threshold, 0.0, 0, found.compared, verdict, "contract"),)


def _before(window: Window) -> Window:
    return window[0] - timedelta(days=POPULARITY_DAYS), window[0]
