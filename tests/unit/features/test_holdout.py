"""A holdout knows the past, and only what is relevant of what followed."""

import numpy as np
import pandas as pd
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.features.holdout import Holdout, holdout
from nextpick.models import candidates
from nextpick.models.examples import candidates as pool_of
from nextpick.models.examples import examples
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame, params

START = NOW - 10 * US_PER_DAY
BEFORE = [("ann", "a", 20), ("ann", "b", 11), ("ben", "c", 15)]
AFTER = [("ann", "a", 9), ("ann", "a", 8), ("ann", "c", 10), ("ben", "c", 5), ("cem", "d", 1)]


def held(rows: list[tuple[str, str, float]], policy: str = "allow") -> tuple[Holdout, Snapshot]:
    frames = frame(rows), catalogue(list("abcde"))
    snapshot = Snapshot.of(*frames, Windows((START,), START, NOW), "md5")
    chosen = params()
    scenario = chosen.scenarios["default"].model_copy(update={"seen_policy": policy})
    return holdout(snapshot, chosen.model_copy(update={"scenarios": {"default": scenario}}), START, NOW), snapshot


def relevant(found: Holdout, snapshot: Snapshot) -> dict[str, set[str]]:
    pairs = zip(found.relevant.user_rows, found.relevant.item_rows, strict=True)
    out: dict[str, set[str]] = {}
    for user, item in pairs:
        out.setdefault(snapshot.users.ids[user], set()).add(snapshot.items.ids[item])
    return out


def test_relevant_are_the_distinct_items_of_the_time_that_followed() -> None:
    found, snapshot = held(BEFORE + AFTER)
    assert relevant(found, snapshot) == {"ann": {"a", "c"}, "ben": {"c"}, "cem": {"d"}}
    assert found.users.tolist() == [0, 1, 2]
    assert found.warm.tolist() == [True, True, False]
    assert found.users_without == 0


def test_what_the_policy_would_not_show_is_not_relevant() -> None:
    found, snapshot = held(BEFORE + AFTER, "exclude")
    assert relevant(found, snapshot) == {"ann": {"c"}, "cem": {"d"}}
    assert found.users.tolist() == [0, 2]
    assert found.users_without == 1


def test_history_and_table_end_where_the_holdout_begins() -> None:
    found, _ = held(BEFORE + AFTER)
    assert found.histories.as_of == START
    assert found.histories.item_rows.tolist() == [0, 1, 2]
    assert found.table.features[:, 0].tolist() == [0, 1, 1, 0, 0]  # popularity of the 7 days before: b 1 day, c 5 days


def shuffled(rows: list[tuple[str, str, float]], seed: int) -> list[tuple[str, str, float]]:
    """Other users, items and times, all of the time that followed."""
    rng = np.random.default_rng(seed)
    users, items, days = (rng.permutation([row[at] for row in rows]).tolist() for at in range(3))
    return list(zip(users, items, (float(day) for day in days), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_shuffling_the_future_changes_no_feature(seed: int) -> None:
    rng = np.random.default_rng(5)
    past = [(f"u{rng.integers(20)}", "abcde"[rng.integers(5)], float(rng.integers(11, 90))) for _ in range(300)]
    past += [(f"u{n}", "abcde"[n % 5], 50.0) for n in range(20)]  # every user has a past
    future = [(f"u{n % 20}", "abcde"[rng.integers(5)], float(rng.integers(0, 11))) for n in range(100)]
    features = []
    for rows in (past + future, past + shuffled(future, seed)):
        found, _ = held(rows)
        chosen = params(als={"factors": 2}, ranker={"negatives_per_positive": 1000})
        generators = candidates.fit(found.histories, chosen)
        assert len(found.users) == 20
        features.append(examples(pool_of(generators, found, chosen), found, chosen).features)
    np.testing.assert_array_equal(*features)


def test_the_canary_sings_where_an_aggregate_looks_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    from nextpick.features import holdout as module

    def too_late(interactions: pd.DataFrame, known: pd.DataFrame, items: object, as_of: int) -> object:
        return real(interactions, known, items, as_of + US_PER_DAY)  # type: ignore[arg-type]

    real = module.item_table
    monkeypatch.setattr(module, "item_table", too_late)
    tables = [held(BEFORE + rows)[0].table.features for rows in (AFTER, [("ann", "e", 9.5), *AFTER])]
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(*tables)
