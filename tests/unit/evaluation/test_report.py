"""The report: true lists, the same users for everybody, and honest figures."""

import numpy as np
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.evaluation import metrics
from nextpick.evaluation.report import BASELINES, MODEL, beyond, hits, report
from nextpick.evaluation.slices import slices
from nextpick.evaluation.trial import Trial, alone, two_stage
from nextpick.features.holdout import Holdout, holdout
from nextpick.features.items import popularity_order
from nextpick.features.pair import feature_names
from nextpick.models import candidates
from nextpick.models.examples import candidates as pool_of
from nextpick.models.examples import examples
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker, train
from nextpick.params import Params
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame, params

Made = tuple[dict[str, Generator], Ranker, Holdout, Params]
TEST, LABEL = NOW - 10 * US_PER_DAY, NOW - 20 * US_PER_DAY


def scenario(policy: str) -> Params:
    chosen = params(
        als={"factors": 4, "regularization": 1.0},
        ranker={"trees": 10, "leaves": 5, "min_child_samples": 3},
        evaluation={"bootstrap_samples": 100},
    )
    placed = chosen.scenarios["default"].model_copy(update={"seen_policy": policy})
    return chosen.model_copy(update={"scenarios": {"default": placed}, "pool": {"als": 12, "popular": 5}})


def world(policy: str) -> Made:
    rng = np.random.default_rng(11)
    rows = []
    for user in range(20):
        circle = "xy"[user % 2]
        for _ in range(30):
            rows.append((f"u{user:02}", f"{circle}{min(int(rng.exponential(4)), 14):02}", float(rng.uniform(0, 60))))
    rows += [("new", "x01", 2.0), ("new", "y14", 1.0), ("idle", "x00", 50.0)]
    ids = [f"{circle}{n:02}" for circle in "xy" for n in range(15)]
    snapshot = Snapshot.of(frame(rows), catalogue(ids), Windows((LABEL,), TEST, NOW), "md5")
    chosen = scenario(policy)
    label, test = holdout(snapshot, chosen, LABEL, TEST), holdout(snapshot, chosen, TEST, NOW)
    learnt = examples(pool_of(candidates.fit(label.histories, chosen), label, chosen), label, chosen)
    ranker = train(learnt, feature_names(chosen.generators), chosen)
    return candidates.fit(test.histories, chosen), ranker, test, chosen


@pytest.fixture(scope="module", params=["allow", "exclude"])
def made(request: pytest.FixtureRequest) -> Made:
    return world(request.param)


def all_lists(made: Made) -> dict[str, np.ndarray]:
    generators, ranker, held, chosen = made
    kinds = candidates.KINDS
    return {MODEL: two_stage(generators, ranker, held, chosen).lists} | {
        name: alone(kinds[name].fit(held.histories, chosen), held, chosen) for name in BASELINES
    }


def test_a_list_has_k_distinct_items_that_the_policy_shows(
    made: Made,
) -> None:
    *_, held, chosen = made
    excluding = chosen.scenarios["default"].seen_policy == "exclude"
    for name, lists in all_lists(made).items():
        assert lists.shape == (len(held.users), 10)
        for user, top in zip(held.users, lists, strict=True):
            assert len(set(top.tolist())) == 10, name
            assert top.min() >= 0
            own = held.histories.item_rows[held.histories.indptr[user] : held.histories.indptr[user + 1]]
            assert not (excluding and set(top.tolist()) & set(own.tolist())), name


def test_a_user_without_a_history_gets_what_is_popular_from_every_contender(
    made: Made,
) -> None:
    *_, held, _ = made
    cold = np.flatnonzero(~held.warm)
    assert len(cold) == 1
    order, _ = popularity_order(held.table)
    lists = all_lists(made)
    for name in (MODEL, "als", "buy_again"):
        assert lists[name][cold[0]].tolist() == order[:10].tolist(), name


def test_the_models_list_is_the_pool_in_the_rankers_order(
    made: Made,
) -> None:
    generators, ranker, held, chosen = made
    trial: Trial = two_stage(generators, ranker, held, chosen)
    for at, user in enumerate(held.users):
        mine = trial.pool.user_rows == user
        best = np.lexsort((trial.pool.item_rows[mine], -trial.scores[mine]))[:10]
        expected = trial.pool.item_rows[mine][best].tolist()
        assert trial.lists[at][: len(expected)].tolist() == expected


def test_every_contender_is_measured_on_the_same_users_and_the_rest_are_counted(
    made: Made,
) -> None:
    *_, held, _ = made
    found = report(*made)
    assert found.per_user["user_row"].tolist() == held.users.tolist()
    assert found.per_user["warm"].tolist() == held.warm.tolist()
    assert found.figures["users"] + found.figures["users_without_relevant"] == len(held.histories)
    assert found.figures["users_warm"] == held.warm.sum()
    for name in (MODEL, *BASELINES):
        figure = found.figures["ndcg_at_10" if name == MODEL else f"{name}_ndcg_at_10"]
        assert figure == pytest.approx(found.per_user[name].mean())


def test_differences_come_with_their_bounds(made: Made) -> None:
    figures = report(*made).figures
    for name in BASELINES:
        assert figures[f"over_{name}"] == pytest.approx(figures["ndcg_at_10"] - figures[f"{name}_ndcg_at_10"])
        assert figures[f"over_{name}_low"] <= figures[f"over_{name}"] <= figures[f"over_{name}_high"]


def test_figures_are_shares_and_the_names_fit_mlflow(
    made: Made,
) -> None:
    figures = report(*made).figures
    counts = ("users", "pool_size", "novelty")
    assert all(-1 <= value <= 1 for name, value in figures.items() if not name.startswith(counts))
    assert all(name.replace("_", "").isalnum() for name in figures)


def test_hits_are_the_items_of_the_list_that_the_user_took(made: Made) -> None:
    *_, held, _ = made
    lists = all_lists(made)[MODEL]
    lists[0, 4:] = -1
    found, relevant = hits(lists, held)
    for user, top, hit, n in zip(held.users, lists, found, relevant, strict=True):
        own = held.relevant.item_rows[held.relevant.indptr[user] : held.relevant.indptr[user + 1]]
        assert hit.tolist() == np.isin(top, own).tolist()
        assert n == len(own)


def test_in_a_slice_only_what_it_marks_counts(made: Made) -> None:
    *_, held, _ = made
    lists, marked = all_lists(made)[MODEL], slices(held)["first_time"]
    found, relevant = hits(lists, held, marked)
    everything, _ = hits(lists, held)
    assert relevant.sum() == marked.sum()
    assert (found <= everything).all()
    sliced = report(*made).slices
    row = sliced[(sliced["slice"] == "first_time") & (sliced["contender"] == MODEL)].iloc[0]
    there = relevant > 0
    assert row["users"] == there.sum()
    assert row["ndcg"] == pytest.approx(metrics.ndcg_at_k(found[there], relevant[there], 10).mean())
    assert row["low"] <= row["ndcg"] <= row["high"]


def test_the_curve_ends_at_the_figure_and_recall_never_falls(made: Made) -> None:
    found = report(*made)
    for name, curve in found.curves.groupby("contender"):
        assert curve["k"].tolist() == list(range(1, 11))
        assert curve["ndcg"].iloc[-1] == pytest.approx(found.per_user[name].mean())
        assert (curve["recall"].diff().dropna() >= 0).all()


def test_every_generator_of_the_pool_stands_beside_the_model(made: Made) -> None:
    generators, ranker, held, chosen = made
    more = generators | {"item_knn": candidates.KINDS["item_knn"].fit(held.histories, chosen)}
    found = report(generators | {"popular": more["popular"]}, ranker, held, chosen)
    assert set(found.slices["contender"]) == {MODEL, *BASELINES}
    wider = chosen.model_copy(update={"pool": {**chosen.pool, "item_knn": 5}})
    found = report(more, ranker, held, wider)
    assert set(found.slices["contender"]) == {MODEL, *BASELINES, "item_knn"}
    assert found.figures["item_knn_ndcg_at_10"] == pytest.approx(found.per_user["item_knn"].mean())


def test_lists_of_what_is_popular_are_all_head_and_cover_little(made: Made) -> None:
    *_, held, _ = made
    lists = all_lists(made)
    popular, model = beyond(lists["popular"], held), beyond(lists[MODEL], held)
    assert popular["coverage"] <= model["coverage"]
    assert popular["popularity_share"] >= model["popularity_share"]
    assert popular["novelty"] <= model["novelty"]


def test_a_holdout_in_which_nobody_does_anything_is_reported_as_such(
    made: Made,
) -> None:
    generators, ranker, held, chosen = made
    nobody = Holdout(held.histories, held.table, held.relevant, held.users[:0])
    found = report(generators, ranker, nobody, chosen)
    assert (found.figures["users"], found.figures["ndcg_at_10"]) == (0, 0)
    assert (len(found.per_user), len(found.slices)) == (0, 0)
