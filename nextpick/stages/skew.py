"""Stage: what the ranker was given for answers, computed again as training computes it, and compared bit by bit.

Only places that were filled from lists are compared: what was scored at the request alone was chosen from what was not
hidden at that moment, which nobody keeps. An answer is held to what it could know: before the release's cutoff to what
the release was made from, and since then to what had come in when it was given.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import psycopg
import structlog

from nextpick.drift.windows import Window
from nextpick.errors import StoreError
from nextpick.features.histories import histories
from nextpick.features.item_pieces import item_table_of
from nextpick.features.items import ItemTable
from nextpick.features.pair import pair_features
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle
from nextpick.models.pool import build_pool
from nextpick.release import lookup
from nextpick.release.loaded import Loaded
from nextpick.release.slots import RERANKED
from nextpick.schema import USER_ID
from nextpick.settings import Settings
from nextpick.stages import usable
from nextpick.store import events, items, outcomes, releases
from nextpick.store.outcomes import ANSWER_ID, DOUBTFUL, SINCE, Listed, Made

SAMPLE = 200  # answers, of some ten items each
ITEMS = 500  # of those shown, whose own features are computed again, from all that was ever done to them
NOT_PROPOSED = "not proposed"  # in place of a feature: training would not have had the item among the candidates
UNSURE, TOO_MANY = "events came in as it was given", "more events than an answer looks at"
log = structlog.get_logger()


@dataclass(frozen=True)
class Skew:
    """Of `compared` answers `unequal` were ranked by features that training would not have computed; `worst` is the
    feature that differs in most of them, or NOT_PROPOSED.

    `left_out`: why -> answers that could not be compared. `items_unchecked`: of so many of the items they showed the
    release's own features were used: they are more than ITEMS, were changed since it was made, or, if it is all of
    them, users were erased since.
    """

    unequal: int
    compared: int
    worst: str | None
    left_out: Mapping[str, int]
    items_unchecked: int


def run(conn: psycopg.Connection, settings: Settings, release_id: int, window: Window, limit: int = SAMPLE) -> Skew:
    """Compare a sample of a release's answers in a window, the same every time.

    `conn` may be in a transaction; where it is not, the caller ends the one that this begins.

    Raises: BundleError where the bundle or the release's items are not there any more; StoreError for no such release.
    """
    made = outcomes.made(conn, release_id)
    if made is None:
        raise StoreError(f"There is no release {release_id}. `nextpick releases` lists what there is.")
    answers = outcomes.listed(conn, release_id, window, RERANKED, limit)
    if not answers:
        return Skew(0, 0, None, {}, 0)
    release = releases.get(conn, release_id)
    loaded = lookup.load(conn, replace(release, bundle_uri=str(usable.place(settings, release))))
    shown = loaded.items.rows(np.unique([item_id for one in answers for item_id in one.item_ids]))
    checked = _checked(loaded, made, shown)
    table = _table(conn, loaded, made, checked)
    hidden = np.zeros(len(loaded.items), bool)
    hidden[made.hidden_rows] = True
    known = outcomes.known(conn, answers, made, tuple(loaded.kinds))
    left_out = _left_out(known)
    done = dict(iter(known.groupby(ANSWER_ID)))
    differing: list[set[str]] = []
    for one in answers:
        if one.recommendation_id not in left_out:
            some = done.get(one.recommendation_id, known.iloc[:0])
            as_of = lookup.microseconds(one.as_of)
            found = replay(loaded.bundle, table, some, one.user_id, as_of, loaded.cutoff, hidden)
            differing.append(differing_features(loaded.bundle, one, found))
    times = Counter(name for names in differing for name in names)
    worst = max((NOT_PROPOSED, *loaded.bundle.features), key=lambda name: times[name]) if times else None
    result = Skew(
        sum(map(bool, differing)), len(differing), worst, Counter(left_out.values()), len(shown) - len(checked)
    )
    log.info("skew", release=release_id, **asdict(result))
    return result


def replay(
    bundle: Bundle,
    table: ItemTable,
    interactions: pd.DataFrame,
    user_id: str,
    as_of: int,
    proposed_at: int,
    hidden: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Each candidate's features by its id, float32 (F,), as training computes them of whoever is in `interactions`.

    `table` is as of the release's cutoff. The generators knew the user as of `proposed_at` (microseconds, as `as_of`):
    a list keeps their scores and ranks of the cutoff, and what is scored at the request has those of then. `hidden`
    (bool over the items) could not be proposed.
    """
    kinds, policy = bundle.params.data.kinds, bundle.params.scenarios["default"].seen_policy
    users = IdMap.fit([*interactions[USER_ID].unique(), user_id])
    now, then = (histories(interactions, users, bundle.items, kinds, moment) for moment in (as_of, proposed_at))
    everybody = np.arange(len(users), dtype=np.int32)
    pool = build_pool(bundle.generators, bundle.sizes, everybody, then, policy, hidden)
    features = pair_features(pool, now, table, as_of, bundle.features)
    mine = np.flatnonzero(pool.user_rows == users.row(user_id))
    return {bundle.items.ids[pool.item_rows[row]]: features[row] for row in mine.tolist()}


def same_bits(served: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Where two float32 arrays are equal, NaN where NaN is, and no -0.0 for 0.0: bool."""
    equal = (served == trained) | (np.isnan(served) & np.isnan(trained))
    return np.asarray(equal & (np.signbit(served) == np.signbit(trained)))


def differing_features(bundle: Bundle, answer: Listed, found: Mapping[str, np.ndarray]) -> set[str]:
    """The names of those features that differ at any place of an answer that its list filled, or NOT_PROPOSED."""
    served = answer.features.reshape(len(answer.item_ids), len(bundle.features))
    places = [place for place, source in enumerate(answer.sources) if source == RERANKED]
    if any(answer.item_ids[place] not in found for place in places):
        return {NOT_PROPOSED}
    trained = np.stack([found[answer.item_ids[place]] for place in places])
    differs = ~same_bits(served[places], trained).all(axis=0)
    return {bundle.features[column] for column in np.flatnonzero(differs).tolist()}


def _checked(loaded: Loaded, made: Made, shown: np.ndarray) -> np.ndarray:
    """Of the rows of the items shown those whose features can and shall be computed again, the same every time."""
    if made.erased:  # their events are gone, and which items they were of nobody may know
        return shown[:0]
    stale = np.isin(np.array(loaded.items.ids, object)[shown], np.array(made.changed, object))
    return np.random.default_rng(loaded.release_id).permutation(shown[~stale])[:ITEMS]


def _table(conn: psycopg.Connection, loaded: Loaded, made: Made, checked: np.ndarray) -> ItemTable:
    """The release's item table, where the rows of `checked` are computed again."""
    wanted = [loaded.items.ids[row] for row in checked.tolist()]
    pieces = events.by_item(conn, tuple(loaded.kinds), made.cutoff, made.known, item_ids=wanted)
    table = item_table_of(pieces, items.read(conn), loaded.items, loaded.cutoff)
    again = np.isin(np.arange(len(loaded.items)), checked)
    kept = [table if new else loaded.table for new in again.tolist()]
    return ItemTable(
        features=np.where(again[:, None], table.features, loaded.table.features),
        titles=tuple(one.titles[row] for row, one in enumerate(kept)),
        categories=tuple(one.categories[row] for row, one in enumerate(kept)),
        prices=np.where(again, table.prices, loaded.table.prices),
    )


def _left_out(known: pd.DataFrame) -> dict[object, str]:
    """Why some answers cannot be compared, by their ids."""
    since = known.loc[known[SINCE], ANSWER_ID].value_counts()
    doubtful = known.loc[known[DOUBTFUL], ANSWER_ID]
    too_many = since.index[since > lookup.EVENTS_SINCE]
    return {**dict.fromkeys(too_many, TOO_MANY), **dict.fromkeys(doubtful, UNSURE)}
