"""Items of somebody else's choice come into the user's order, all of them."""

import numpy as np
import pytest

from nextpick.params import GENERATORS
from nextpick.release.answer import answer
from nextpick.release.explain import explain
from nextpick.release.feature_words import words
from nextpick.release.loaded import Loaded, Since
from nextpick.release.order import order
from nextpick.release.precompute import ListBlock
from nextpick.release.wanted import Wanted
from tests.published import Version
from tests.unit.release.test_answer import N, loaded_world, row_of


@pytest.fixture(scope="module")
def world(version: Version) -> tuple[Loaded, ListBlock]:
    return loaded_world(version, 100)


def test_the_whole_catalogue_in_a_users_order_begins_as_their_list_does(world: tuple[Loaded, ListBlock]) -> None:
    loaded, block = world
    row = row_of(block, 3, loaded)
    sent = np.random.default_rng(0).permutation(N).astype(np.int32)
    found = order(loaded, row, Since.nothing(), sent)
    again = order(loaded, row, Since.nothing(), sent[::-1].copy())
    assert sorted(found.slots.item_rows.tolist()) == list(range(N))
    assert found.slots.item_rows.tolist() == again.slots.item_rows.tolist()
    # In this world the pool is the whole catalogue, so that not only the order but every score is the list's.
    assert found.slots.item_rows[: len(row.item_rows)].tolist() == row.item_rows.tolist()
    np.testing.assert_array_equal(found.slots.scores[: len(row.item_rows)], row.scores)


def test_a_few_items_have_the_very_scores_they_have_among_all(version: Version) -> None:
    loaded, block = loaded_world(version, 100)
    row = row_of(block, 3, loaded)
    worst = row.item_rows[-4:]
    found = order(loaded, row, Since.nothing(), worst).slots
    assert found.item_rows.tolist() == worst.tolist()
    np.testing.assert_array_equal(found.scores, row.scores[-4:])
    np.testing.assert_array_equal(found.ranks, row.generator_ranks[-4:])


def test_one_item_none_and_nobodys(world: tuple[Loaded, ListBlock]) -> None:
    loaded, _ = world
    for sent in (np.array([4], np.int32), np.empty(0, np.int32)):
        assert len(order(loaded, None, Since.nothing(), sent)) == len(sent)


def test_without_the_ranker_it_goes_by_popularity(world: tuple[Loaded, ListBlock]) -> None:
    loaded, _ = world
    found = order(loaded, None, Since.nothing(), np.arange(N, dtype=np.int32), rerank=False).slots
    assert found.item_rows.tolist() == loaded.popular.tolist()
    assert set(found.sources) == {"candidates"}
    assert np.isnan(found.scores).all()


def test_what_is_said_of_an_item_is_true(world: tuple[Loaded, ListBlock]) -> None:
    loaded, block = world
    found = answer(loaded, row_of(block, 3, loaded), Since.nothing(), Wanted.plain(loaded, 10), np.zeros(N, bool))
    parts = loaded.bundle.ranker.contributions(found.slots.features)
    np.testing.assert_allclose(parts.sum(axis=1), found.slots.scores, rtol=1e-5)
    own, alike = set(found.history.item_rows.tolist()), 0
    for i, one in enumerate(explain(loaded, found)):
        sizes = loaded.bundle.params.pool
        ranks = zip(loaded.bundle.generators, found.slots.ranks[i].tolist(), strict=True)
        assert list(one.proposed_by) == [(name, rank) for name, rank in ranks if 0 <= rank < sizes[name]]
        assert one.proposed_by
        assert [abs(moved.moved) for moved in one.moved] == sorted((abs(m.moved) for m in one.moved), reverse=True)
        for moved in one.moved:
            at = loaded.bundle.features.index(moved.feature)
            assert moved.moved == parts[i, at]
            assert moved.value == found.slots.features[i, at] or np.isnan(moved.value)
            assert moved.text
        if one.like is not None:
            assert one.like[0] in own - {int(found.slots.item_rows[i])}
            assert 0.3 <= one.like[1] <= 1.0001
            alike += 1
    assert alike


def test_popular_items_have_nothing_to_explain(world: tuple[Loaded, ListBlock]) -> None:
    loaded, _ = world
    found = answer(loaded, None, Since.nothing(), Wanted.plain(loaded, 5), np.zeros(N, bool))
    assert [(one.proposed_by, one.moved, one.like) for one in explain(loaded, found)] == [((), (), None)] * 5


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        ("own_count", 1.0, "you chose it once"),
        ("own_count", 0.0, "you have not chosen it so far"),
        ("own_idle_days", 12.4, "you last chose it 12 days ago"),
        ("own_idle_days", 0.1, "you last chose it less than a day ago"),
        ("own_idle_days", np.nan, "you have not chosen it so far"),
        ("als_rank", 2.0, "number 3 of the candidates by what people like you chose (als)"),
        ("ease_rank", np.nan, "not suggested by what goes with your items (ease)"),
        ("ease_score", 0.5, "scores 0.5 by what goes with your items (ease)"),
        ("of_our_own_rank", 0.0, "number 1 of the candidates by of our own"),
        ("item_price", np.nan, "its price is not known"),
        ("user_log_price", np.log(2.5), "you usually pay about 2.50"),
        ("own_interval_days", 0.0, "you come back for it after less than a day"),
        ("own_interval_days", 1.2, "you come back for it after 1 day"),
        ("own_interval_days", np.nan, "you have not chosen it on more than one occasion"),
    ],
)
def test_features_are_said_in_words(feature: str, value: float, said: str) -> None:
    assert words(feature, value) == said


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("what", ["rank", "score"])
def test_every_generator_is_said_in_words(generator: str, what: str) -> None:
    plain = generator.replace("_", " ")
    missing, known = words(f"{generator}_{what}", np.nan), words(f"{generator}_{what}", 1.0)
    assert missing.startswith("not suggested by what ")
    assert " by what " in known
    assert plain in known or generator == "popular"


def test_every_feature_has_words_of_its_own(world: tuple[Loaded, ListBlock]) -> None:
    for name in world[0].bundle.features:
        if not name.endswith(("_score", "_rank")):
            assert f"{name.replace('_', ' ')} is" not in words(name, 1.5)
            assert f"{name.replace('_', ' ')} is" not in words(name, np.nan)
