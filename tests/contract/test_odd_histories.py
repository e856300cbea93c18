"""What every candidate generator promises, on small histories that hypothesis makes as odd as it can."""

import warnings
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nextpick.features.histories import Histories
from nextpick.models import candidates
from nextpick.models import pool as pool_module
from nextpick.models.candidates import KINDS
from nextpick.models.pool import build_pool
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, params

PARAMS = params(
    als={"factors": 3}, bpr={"factors": 2, "iterations": 3}, linear_filter={"rank": 4}, bought_together={"shrink": 0.0}
)
ages = st.one_of(st.just(0.0), st.floats(0, 400), st.floats(0, 30_000))  # days; of 30,000 nothing is left in float32
heavy = st.floats(2**-10, 10_000, width=32)


@st.composite
def odd(draw: st.DrawFn) -> Histories:
    """Up to six users and items: who has nothing, who has all, what nobody has and what is long ago are among them."""
    has = draw(hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
    users, items = np.nonzero(has)
    n = len(users)
    last = NOW - 1 - (np.array(draw(st.lists(ages, min_size=n, max_size=n))) * US_PER_DAY).astype(np.int64)
    counts = np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), np.int32)
    return Histories(
        as_of=NOW,
        n_items=has.shape[1],
        indptr=np.searchsorted(users, np.arange(len(has) + 1)).astype(np.int64),
        item_rows=items.astype(np.int32),
        counts=counts,
        weights=np.array(draw(st.lists(heavy, min_size=n, max_size=n)), np.float32),
        first_at=last - (counts.astype(np.int64) - 1) * US_PER_DAY,
        last_at=last,
    )


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15, deadline=None)
@given(known=odd())
def test_whatever_the_histories_what_is_promised_holds(name: str, known: Histories) -> None:
    before = {field.name: np.copy(getattr(known, field.name)) for field in fields(known)}
    everybody = np.arange(len(known), dtype=np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a division by nothing is found here, not in a log
        fitted = KINDS[name].fit(known, PARAMS)
        scores = fitted.scores(known, everybody)
    assert scores.shape == (len(known), known.n_items)
    assert scores.dtype == np.float32
    assert not np.isinf(scores).any()
    had = np.bincount(known.item_rows, minlength=known.n_items) > 0
    assert np.isnan(scores[:, ~had]).all()
    if name != "popular":
        assert np.isnan(scores[np.diff(known.indptr) == 0]).all()
    for user in everybody:
        assert fitted.scores(known, everybody[user : user + 1]).tobytes() == scores[user].tobytes()
    again = candidates.load(name, candidates.dump(fitted))
    assert again.scores(known, everybody).tobytes() == scores.tobytes()
    assert candidates.dump(KINDS[name].fit(known, PARAMS)) == candidates.dump(fitted)
    assert all(np.array_equal(getattr(known, field), value) for field, value in before.items())


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15, deadline=None)
@given(known=odd(), n=st.integers(1, 7), policy=st.sampled_from(["allow", "exclude"]))
def test_a_pool_is_each_users_best_that_may_be_shown(name: str, known: Histories, n: int, policy: str) -> None:
    everybody, fitted = np.arange(len(known), dtype=np.int32), KINDS[name].fit(known, PARAMS)
    pools = []
    for compiled in (pool_module.compiled, lambda: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool_module, "compiled", compiled)
            pools.append(build_pool({name: fitted}, {name: n}, everybody, known, policy))
    allowed = fitted.scores(known, everybody)
    if policy == "exclude":
        allowed[known.user_rows, known.item_rows] = np.nan
    expected = []
    for user, row in enumerate(allowed):
        order = sorted((item for item in range(known.n_items) if not np.isnan(row[item])), key=lambda i: (-row[i], i))
        expected += sorted((user, item, order.index(item)) for item in order[:n])
    for found in pools:
        rows = zip(found.user_rows.tolist(), found.item_rows.tolist(), found.ranks[:, 0].tolist(), strict=True)
        assert list(rows) == expected
