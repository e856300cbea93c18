"""The item-item generators: the formulas of their docstrings, from dense matrices."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from nextpick.errors import ConfigError
from nextpick.features.histories import Histories, histories, of_users
from nextpick.idmap import IdMap
from nextpick.models.generator import Generator
from nextpick.models.generators import ease
from nextpick.models.generators.bought_together import BoughtTogether, session_items
from nextpick.models.generators.ease import Ease
from nextpick.models.generators.item_knn import ItemKnn
from nextpick.models.generators.linear_filter import LinearFilter
from nextpick.models.generators.rp3beta import Rp3Beta
from nextpick.schema import US_PER_DAY
from tests.worlds import KINDS, NOW, frame, params

N_USERS, N_ITEMS, HALF_LIFE = 9, 7, 20.0


@pytest.fixture(scope="module")
def world() -> Histories:
    """Everybody has some of the first six items, some of them twice; nobody has the last."""
    draw = np.random.default_rng(8)
    rows = [(f"u{draw.integers(N_USERS)}", f"i{draw.integers(6)}", float(draw.uniform(1, 90))) for _ in range(60)]
    users, items = IdMap(tuple(f"u{u}" for u in range(N_USERS))), IdMap(tuple(f"i{i}" for i in range(N_ITEMS)))
    return histories(frame(rows), users, items, KINDS, NOW)


def of_matrix(taken: np.ndarray) -> Histories:
    """Everybody took what the matrix marks, a day ago."""
    users, items = (IdMap(tuple(f"{kind}{i:03}" for i in range(n))) for kind, n in zip("ui", taken.shape, strict=True))
    rows = [(f"u{u:03}", f"i{i:03}", 1.0) for u, i in np.argwhere(taken)]
    return histories(frame(rows), users, items, KINDS, NOW)


def strengths(world: Histories) -> np.ndarray:
    dense = np.zeros((len(world), world.n_items))
    age_days = (world.as_of - world.last_at) / US_PER_DAY
    dense[world.user_rows, world.item_rows] = world.weights * 2.0 ** (-age_days / HALF_LIFE)
    return dense


def same(generator: Generator, world: Histories, weights: np.ndarray) -> None:
    """Scores are strengths @ weights without the diagonal, NaN where nothing speaks for an item."""
    np.fill_diagonal(weights, 0)
    expected = strengths(world) @ weights
    scores = generator.scores(world, np.arange(len(world)))
    np.testing.assert_allclose(np.nan_to_num(scores), expected, rtol=2e-4, atol=1e-6)
    assert (np.isnan(scores) == (expected == 0)).all()


def test_item_knn_adds_up_cosines(world: Histories) -> None:
    r = strengths(world)
    lengths = np.linalg.norm(r, axis=0)
    chosen = {"half_life_days": HALF_LIFE, "similarity": "cosine", "shrink": 0.5, "neighbours": 10}
    same(ItemKnn.fit(world, params(item_knn=chosen)), world, r.T @ r / (np.outer(lengths, lengths) + 0.5))


def test_item_knn_weighs_users_as_bm25_weighs_words(world: Histories) -> None:
    r = strengths(world)
    lengths, has, n = r.sum(axis=0), (r > 0).sum(axis=1, keepdims=True), (r > 0).any(axis=0).sum()
    idf = np.log(1 + (n - has + 0.5) / (has + 0.5))
    b = idf * r * 2.2 / np.where(r > 0, r + 1.2 * (0.25 + 0.75 * lengths / lengths[lengths > 0].mean()), 1)
    chosen = {"half_life_days": HALF_LIFE, "similarity": "bm25", "neighbours": 10}
    same(ItemKnn.fit(world, params(item_knn=chosen)), world, b.T @ b)


def test_rp3beta_walks_three_steps(world: Histories) -> None:
    r = strengths(world)
    with np.errstate(invalid="ignore", divide="ignore"):
        to_users, to_items = (np.nan_to_num(m / m.sum(axis=1, keepdims=True)) ** 0.8 for m in (r.T, r))
    takers = np.maximum((r > 0).sum(axis=0), 1.0)
    chosen = {"half_life_days": HALF_LIFE, "alpha": 0.8, "beta": 0.4, "neighbours": 10}
    same(Rp3Beta.fit(world, params(rp3beta=chosen)), world, to_users @ to_items / takers**0.4)


@pytest.mark.parametrize("users", [N_USERS, 4])
def test_ease_is_the_closed_form(users: int, world: Histories) -> None:
    """Where users are fewer than items, the inverse is of their side."""
    few = of_users(world, np.arange(users))
    x = strengths(few)
    had = x.any(axis=0)
    p = np.linalg.inv(x[:, had].T @ x[:, had] + 3.0 * np.eye(had.sum()))
    weights = np.zeros((N_ITEMS, N_ITEMS))
    weights[np.ix_(had, had)] = -p / np.diag(p)
    chosen = params(ease={"half_life_days": HALF_LIFE, "regularization": 3.0, "neighbours": 10})
    same(Ease.fit(few, chosen), few, weights)


@pytest.mark.parametrize("shape", [(60, 150), (150, 60)])
def test_eases_columns_are_those_of_a_float64_inverse_on_either_side(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ease, "_AT_ONCE", 32)
    monkeypatch.setattr(ease, "_FROM_USERS_AT_ONCE", 40)
    dense = (np.random.default_rng(4).random(shape) < 0.2).astype(np.float32)
    rows = list(ease._inverse(csr_matrix(dense), 2.0))
    assert len(rows) == (4 if shape == (60, 150) else 1)
    assert all(part.dtype == np.float32 for part in rows)
    wide = dense.astype(np.float64)
    np.testing.assert_allclose(np.concatenate(rows), np.linalg.inv(wide.T @ wide + 2.0 * np.eye(shape[1])), atol=2e-6)


@pytest.mark.parametrize(("users", "needed"), [(900, 0.0017), (100, 0.0012)])
def test_what_ease_needs_is_counted_by_the_smaller_side_and_what_is_worked_with_beside_it(
    users: int, needed: float
) -> None:
    assert ease._gigabytes(users, 300, params(ease={"neighbours": 50}).ease) == pytest.approx(needed, rel=0.05)


def test_ease_knows_as_many_of_the_most_taken_items_as_memory_allows(caplog: pytest.LogCaptureFixture) -> None:
    """And what it says of these is what it would say if there were no others."""
    draw = np.random.default_rng(5)
    dense = draw.random((80, 30)) < np.linspace(0.6, 0.05, 30)[draw.permutation(30)]
    everything = of_matrix(dense)
    room = params(ease={"max_gb": ease._gigabytes(80, 12, params().ease), "regularization": 3.0})
    head = np.sort(np.argsort(-dense.sum(axis=0), kind="stable")[:12])
    known = Ease.fit(everything, room).scores(everything, np.arange(80))
    alone = of_matrix(dense & np.isin(np.arange(30), head))
    np.testing.assert_array_equal(known, Ease.fit(alone, room).scores(alone, np.arange(80)))
    assert np.isnan(known[:, ~np.isin(np.arange(30), head)]).all()
    assert "the 12 most taken of 30 items" in caplog.text


def test_ease_is_refused_where_there_is_room_for_no_item(world: Histories) -> None:
    with pytest.raises(
        ConfigError, match=r"room for no item in params ease\.max_gb, 1e-08; for all 6 items of 9 users"
    ):
        Ease.fit(world, params(ease={"max_gb": 1e-8}))


@pytest.mark.parametrize("sharpening", [1.0, 1.5])
def test_a_linear_filter_normalises_by_powers(world: Histories, sharpening: float) -> None:
    r = strengths(world)
    u, d = r.sum(axis=1), np.where(r.sum(axis=0) > 0, r.sum(axis=0), 1)
    u = np.where(u > 0, u, 1)
    together = (r.T @ (r * (u**-0.9)[:, None])) ** sharpening
    chosen = {
        "half_life_days": HALF_LIFE, "user_exponent": 0.9, "source_exponent": 0.7, "target_exponent": 0.3,
        "sharpening": sharpening, "rank": 0, "neighbours": 10,
    }  # fmt: skip
    same(LinearFilter.fit(world, params(linear_filter=chosen)), world, np.outer(d**-0.7, d**-0.3) * together)


def test_the_low_rank_part_projects_on_the_first_singular_vectors(world: Histories) -> None:
    r = strengths(world)
    u, d = np.where(r.sum(axis=1) > 0, r.sum(axis=1), 1), np.where(r.sum(axis=0) > 0, r.sum(axis=0), 1)
    v = np.linalg.svd(r / np.sqrt(u)[:, None] / np.sqrt(d))[2][:3].T
    chosen = {"half_life_days": HALF_LIFE, "rank": 3, "rank_weight": 0.25, "rank_exponent": 0.4, "neighbours": 10}
    both = LinearFilter.fit(world, params(linear_filter=chosen)).scores(world, np.arange(N_USERS))
    near = LinearFilter.fit(world, params(linear_filter={**chosen, "rank": 0})).scores(world, np.arange(N_USERS))
    low_rank = 0.25 * (r / d**0.4) @ v @ v.T * d**0.4
    np.testing.assert_allclose(np.nan_to_num(both) - np.nan_to_num(near), low_rank, atol=2e-4)


@pytest.mark.parametrize("without", [{"rank": 0}, {"rank_weight": 0.0}])
def test_a_linear_filter_of_neither_part_is_refused(without: dict[str, float], world: Histories) -> None:
    with pytest.raises(ConfigError, match=r"linear_filter would score nothing with 0 neighbours, .* set neighbours"):
        LinearFilter.fit(world, params(linear_filter={"neighbours": 0, **without}))


@pytest.mark.parametrize("kind", [ItemKnn, Rp3Beta, LinearFilter, Ease])
def test_only_the_nearest_are_kept(world: Histories, kind: type[Generator]) -> None:
    sections = ("item_knn", "rp3beta", "linear_filter", "ease")
    few = kind.fit(world, params(**{name: {"neighbours": 2} for name in sections}))
    kept = few.near.weights.tocsc()  # type: ignore[attr-defined]
    assert np.diff(kept.indptr).max() == 2
    every = kind.fit(world, params(**{name: {"neighbours": 99} for name in sections})).near.weights.toarray()  # type: ignore[attr-defined]
    for item in range(N_ITEMS):
        weakest = np.abs(kept[:, [item]].data).min(initial=np.inf)
        left_out = np.abs(every[:, item])[kept[:, [item]].toarray().ravel() == 0]
        assert weakest >= left_out.max(initial=0.0)


def test_a_session_ends_where_the_pause_is_long() -> None:
    rows = [("ann", "a", 5.0), ("ann", "b", 5.1), ("ann", "c", 3.0), ("ann", "a", 3.0), ("ben", "a", 5.0)]
    users, items = IdMap(("ann", "ben")), IdMap(("a", "b", "c"))
    known = histories(frame(rows), users, items, KINDS, NOW)
    assert session_items(known, 4.0).toarray().tolist() == [[1, 1, 0], [1, 0, 1], [1, 0, 0]]


def test_bought_together_asks_what_goes_with_the_latest_basket() -> None:
    """Tea goes with cups and nails with hammers; ann had tea yesterday and nails long ago."""
    pairs = [("tea", "cup"), ("nail", "hammer")]
    rows = [(f"{a}{n}", item, 50.0 + n) for a, b in pairs for n in range(5) for item in (a, b)]
    rows += [("ann", "tea", 1.0), ("ann", "nail", 90.0)]
    events = frame(rows)
    users, items = IdMap.fit(events["user_id"]), IdMap(("cup", "hammer", "nail", "tea"))
    known = histories(events, users, items, KINDS, NOW)
    chosen = params(bought_together={"half_life_days": 7.0, "gap_hours": 6.0, "shrink": 0.0})
    cup, hammer, nail, tea = BoughtTogether.fit(known, chosen).scores(known, np.array([users.row("ann")]))[0]
    assert cup == pytest.approx(2 ** (-1 / 7) * 5 / np.sqrt(5 * 6), rel=1e-4)
    assert cup > 100 * hammer > 0
    assert np.isnan(nail)
    assert np.isnan(tea)


@pytest.mark.parametrize("block", [1, 3, 6, 2048])
def test_eases_inverse_does_not_depend_on_the_blocks_it_is_swept_in(
    block: int, world: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ease, "_AT_ONCE", block)
    chosen = params(ease={"regularization": 3.0, "half_life_days": HALF_LIFE})
    taken = strengths(world)
    inverse = np.linalg.inv(taken.T @ taken + 3.0 * np.eye(N_ITEMS))
    same(Ease.fit(world, chosen), world, inverse / -np.diag(inverse))
