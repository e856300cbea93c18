"""What every candidate generator promises, tried on a checkerboard whose right answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from nextpick.errors import BundleError
from nextpick.features.histories import Histories, no_history, of_users
from nextpick.models import candidates
from nextpick.models import pool as pool_module
from nextpick.models.candidates import KINDS
from nextpick.models.generator import Generator
from nextpick.models.pool import build_pool
from nextpick.params import GENERATORS
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, checkerboard, joined, params

N = 12
PARAMS = params(  # the board has two colours, and a user takes something every second day
    als={"factors": 2, "iterations": 10, "regularization": 0.1},
    linear_filter={"rank": 2},
    bought_together={"gap_hours": 48.0},
    bpr={"factors": 2, "iterations": 200},
)
BOARD = checkerboard(N)
USERS = np.arange(N, dtype=np.int32)


@pytest.fixture(scope="module", params=list(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def generator(name: str) -> Generator:
    return KINDS[name].fit(BOARD, PARAMS)


def proposed(generator: Generator, user: int, n: int, policy: str, histories: Histories = BOARD) -> list[int]:
    """A user's candidates, best first."""
    pool = build_pool({"it": generator}, {"it": n}, np.array([user], np.int32), histories, policy)
    return pool.item_rows[np.argsort(pool.ranks[:, 0])].tolist()


def test_there_is_one_for_every_name_of_params() -> None:
    assert tuple(KINDS) == GENERATORS


def test_the_right_answer_comes_first(name: str, generator: Generator) -> None:
    own = {u: [i for i in range(N) if (u + i) % 2 == 0 and i != u] for u in range(N)}
    for user in range(N):
        if name == "popular":  # the latest taken, whoever asks
            assert proposed(generator, user, N, "allow") == list(range(N))
        elif name == "buy_again":  # once each: the latest first, and item i was taken i + 1 days ago
            assert proposed(generator, user, N, "allow") == own[user]
        else:  # the missing square of the user's own colour
            assert proposed(generator, user, 1, "exclude") == [user]


def test_scores_are_float32_a_row_a_user_and_finite_or_nan(generator: Generator) -> None:
    scores = generator.scores(BOARD, USERS)
    assert scores.dtype == np.float32
    assert scores.shape == (N, N + 1)
    assert not np.isinf(scores).any()


def test_an_item_that_nobody_had_has_no_score(generator: Generator) -> None:
    assert np.isnan(generator.scores(BOARD, USERS)[:, N]).all()


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.integers(0, N - 1), min_size=1, max_size=3 * N))
def test_a_users_scores_do_not_depend_on_who_else_is_asked_for(generator: Generator, rows: list[int]) -> None:
    alone = {user: generator.scores(BOARD, np.array([user], np.int32)).tobytes() for user in set(rows)}
    batch = generator.scores(BOARD, np.array(rows, np.int32))
    assert [row.tobytes() for row in batch] == [alone[user] for user in rows]


def test_nobody_asked_for_is_no_row(generator: Generator) -> None:
    assert generator.scores(BOARD, np.empty(0, np.int32)).shape == (0, N + 1)


def test_a_stranger_with_the_same_history_gets_the_same_scores(generator: Generator) -> None:
    known = of_users(BOARD, np.array([5]))
    strangers = joined(no_history(N + 1, NOW), known)
    np.testing.assert_array_equal(generator.scores(strangers, np.array([1])), generator.scores(BOARD, np.array([5])))


def test_an_empty_history_brings_only_what_is_the_same_for_all(name: str, generator: Generator) -> None:
    scores = generator.scores(no_history(N + 1, NOW), np.array([0]))
    assert np.isnan(scores).all() == (name != "popular")


def test_items_unknown_at_fitting_are_no_obstacle(generator: Generator) -> None:
    own = of_users(BOARD, np.array([0]))
    odd = Histories(
        own.as_of, own.n_items, np.array([0, 1]), np.array([N], np.int32), own.counts[:1], own.weights[:1],
        own.first_at[:1], own.last_at[:1],
    )  # fmt: skip
    scores = generator.scores(odd, np.array([0]))
    assert scores.shape == (1, N + 1)
    assert not np.isinf(scores).any()


@pytest.mark.parametrize("policy", ["allow", "exclude"])
@pytest.mark.parametrize("n", [1, 3, N])
def test_a_pool_has_the_same_bits_with_numba_and_without(
    generator: Generator, policy: str, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = np.arange(N + 1) == 3
    strangers = joined(BOARD, no_history(N + 1, NOW))
    everybody = np.arange(N + 1, dtype=np.int32)
    made = [build_pool({"it": generator}, {"it": n}, everybody, strangers, policy, hidden)]
    monkeypatch.setattr(pool_module, "compiled", lambda: None)
    made.append(build_pool({"it": generator}, {"it": n}, everybody, strangers, policy, hidden))
    for name in ("user_rows", "item_rows", "scores", "ranks"):
        assert getattr(made[0], name).tobytes() == getattr(made[1], name).tobytes()


@pytest.mark.parametrize("policy", ["allow", "exclude"])
def test_where_everything_is_hidden_there_is_no_candidate(generator: Generator, policy: str) -> None:
    pool = build_pool({"it": generator}, {"it": N}, USERS, BOARD, policy, np.ones(N + 1, bool))
    assert len(pool.item_rows) == len(pool.user_rows) == len(pool.scores) == len(pool.ranks) == 0


def test_who_has_everything_has_no_candidate_where_that_is_excluded(generator: Generator) -> None:
    one = Histories(NOW, N + 1, np.array([0, N + 1]), *_all_of(N + 1, NOW - US_PER_DAY))
    for policy, most in (("exclude", 0), ("allow", N + 1)):
        assert len(proposed(generator, 0, N + 1, policy, one)) <= most


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("days", "days_of_one"), [(180_000, 180_000), (1, 6000)])
def test_what_is_so_long_ago_that_it_counts_for_nothing_takes_nobodys_candidates_away(
    days: int, days_of_one: int, name: str
) -> None:
    """A user who had everything, all of it or the item that nobody else has so long ago that float32 has no number."""
    rows, counts, weights, first, last = _all_of(N + 1, NOW - days * US_PER_DAY)
    last[N] = first[N] = NOW - days_of_one * US_PER_DAY
    ancient = Histories(NOW, N + 1, np.array([0, N + 1]), rows, counts, weights, first, last)
    chosen = PARAMS.model_copy(update={"item_knn": PARAMS.item_knn.model_copy(update={"shrink": 0.0})})
    before, after = (
        KINDS[name].fit(joined(BOARD, more), chosen).scores(BOARD, USERS) for more in (no_history(N + 1, NOW), ancient)
    )
    assert (np.isfinite(before) <= np.isfinite(after)).all()
    assert not np.isinf(after).any()


def _all_of(n: int, at: int) -> tuple[np.ndarray, ...]:
    """The arrays of one user's history who took each of n items once, then."""
    when = np.full(n, at, np.int64)
    return np.arange(n, dtype=np.int32), np.ones(n, np.int32), np.ones(n, np.float32), when, when.copy()


def test_excluding_what_is_seen_leaves_no_own_item(generator: Generator) -> None:
    for user in range(N):
        mine = BOARD.item_rows[BOARD.indptr[user] : BOARD.indptr[user + 1]]
        assert not set(proposed(generator, user, N, "exclude")) & set(mine.tolist())


def test_the_same_input_makes_the_same_bytes_whatever_the_threads(name: str, generator: Generator) -> None:
    for threads in (1, 2):
        with threadpool_limits(threads):
            again = KINDS[name].fit(BOARD, PARAMS)
        assert candidates.dump(again) == candidates.dump(generator)


def test_a_round_trip_changes_no_bit(name: str, generator: Generator) -> None:
    again = candidates.load(name, candidates.dump(generator))
    assert again.scores(BOARD, USERS).tobytes() == generator.scores(BOARD, USERS).tobytes()


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_generator_is_refused(name: str, damage: bytes) -> None:
    with pytest.raises(BundleError, match=f"This is no fitted {name}: .*Train again"):
        candidates.load(name, damage)


def test_another_generators_arrays_are_refused(name: str) -> None:
    other = next(kind for kind in KINDS if kind != name)
    with pytest.raises(BundleError, match=f"This is no fitted {name}"):
        candidates.load(name, candidates.dump(KINDS[other].fit(BOARD, PARAMS)))


def test_pickled_arrays_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, **{key: np.array([object()]) for key in KINDS[name].fit(BOARD, PARAMS).arrays()})
    with pytest.raises(BundleError, match=r"an array is \|O of shape"):
        candidates.load(name, path.read_bytes())


def test_a_generator_nobody_knows_is_named_with_those_there_are() -> None:
    with pytest.raises(BundleError, match=r"no candidate generator 'oracle': this code has als, .*popular"):
        candidates.load("oracle", b"")


@pytest.mark.parametrize("entry", [{"weights": 0.25}, {"last_at": NOW - 300 * US_PER_DAY}])
def test_the_kind_of_an_interaction_and_its_age_count(name: str, generator: Generator, entry: dict[str, float]) -> None:
    """User 4's first item was viewed, not bought; or taken long ago."""
    changed = {field: getattr(BOARD, field).copy() for field in entry}
    for field, value in entry.items():
        changed[field][BOARD.indptr[4]] = value
    other = replace(BOARD, **changed)
    scores = KINDS[name].fit(other, PARAMS).scores(other, np.array([4]))
    before = generator.scores(BOARD, np.array([4]))
    assert not np.allclose(scores, before, rtol=1e-4, equal_nan=True)


def test_fitting_on_nothing_gives_no_candidate(name: str) -> None:
    nothing = no_history(N + 1, NOW)
    fitted = KINDS[name].fit(nothing, PARAMS)
    assert np.isnan(fitted.scores(nothing, np.array([0]))).all()
