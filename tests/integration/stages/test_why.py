"""Where a recommendation came from, and what moved its scores."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest

from nextpick.errors import ConfigError, DataError
from nextpick.settings import Settings
from nextpick.stages import recommend, why
from nextpick.store import impressions, sql
from nextpick.store.impressions import Impression
from tests.published import LAST, Version, fill, publish

SHOWN = 5


@pytest.fixture
def here(version: Version, tmp_path: Path) -> Version:
    """The version with a bundle of the test's own, to take away."""
    return replace(version, bundle_dir=Path(shutil.copytree(version.bundle_dir, tmp_path / "bundle")))


def answered(conn: psycopg.Connection, user_id: str) -> Impression:
    """An answer as the service gives and keeps it; commits."""
    loaded, found = recommend.run(conn, Settings(_env_file=None), user_id, SHOWN)
    told = Impression(
        recommendation_id=uuid4(),
        user_id=user_id,
        answered_at=datetime.now(UTC),
        as_of=LAST,
        release_id=loaded.release_id,
        variant="default",
        scenario="default",
        item_ids=tuple(loaded.items.ids[row] for row in found.slots.item_rows.tolist()),
        scores=found.slots.scores,
        sources=found.slots.sources,
        features=found.slots.features if "reranked" in found.slots.sources else None,
    )
    with conn.cursor() as cursor, cursor.copy(sql.load("impressions")["copy"]) as copy:
        copy.write(impressions.encode([told]))
    conn.commit()
    return told


@pytest.fixture
def answer(conn: psycopg.Connection, here: Version) -> Impression:
    fill(conn)
    conn.commit()
    publish(conn, here)
    return answered(conn, "tea03")


def test_the_chain_leads_from_the_answer_to_data_and_code(
    conn: psycopg.Connection, settings: Settings, here: Version, answer: Impression
) -> None:
    chain = why.run(conn, settings, str(answer.recommendation_id))
    assert chain.impression.user_id == "tea03"
    assert (chain.release.release_id, chain.release.live) == (answer.release_id, True)
    assert (chain.release.model_version, chain.release.bundle_sha256) == ("1", here.bundle_sha256)
    assert chain.release.run_id
    assert (chain.lineage["data_md5"], chain.lineage["git_sha"]) == ("0" * 32, "f" * 40)
    assert [item.item_id for item in chain.items] == list(answer.item_ids)
    assert chain.items[0].title == chain.items[0].item_id.replace("-", " number ").title()


def test_what_the_features_move_adds_up_to_the_score_and_the_furthest_comes_first(
    conn: psycopg.Connection, settings: Settings, answer: Impression
) -> None:
    chain = why.run(conn, settings, str(answer.recommendation_id))
    assert chain.missing == ""
    assert answer.features is not None
    for item, stored in zip(chain.items, answer.features, strict=True):
        assert chain.start + sum(move.by for move in item.moves) == pytest.approx(item.score, abs=1e-5)
        assert [abs(move.by) for move in item.moves] == sorted((abs(move.by) for move in item.moves), reverse=True)
        np.testing.assert_array_equal(np.sort([move.value for move in item.moves]), np.sort(stored))
        assert item.source == "reranked"


def test_an_answer_without_a_ranker_says_so(conn: psycopg.Connection, settings: Settings, answer: Impression) -> None:
    chain = why.run(conn, settings, str(answered(conn, "nobody").recommendation_id))
    assert chain.missing == "No ranker ran for this answer, so no feature moved anything."
    assert {item.source for item in chain.items} == {"popular"}
    assert all(np.isnan(item.score) and item.moves == () for item in chain.items)


def test_a_bundle_that_is_gone_or_other_code_is_said_and_the_rest_told(
    conn: psycopg.Connection, settings: Settings, here: Version, answer: Impression
) -> None:
    conn.execute("UPDATE nextpick.impressions SET scores = array(SELECT s + 1 FROM unnest(scores) AS s)")
    conn.commit()
    chain = why.run(conn, settings, str(answer.recommendation_id))
    assert chain.missing == "The stored scores are not those the release's bundle gives: other code has answered."
    shutil.rmtree(here.bundle_dir)
    conn.execute("UPDATE nextpick.releases SET status = 'dropped'")
    conn.commit()
    chain = why.run(conn, settings, str(answer.recommendation_id))
    assert chain.missing.startswith(
        f"What moved the scores cannot be said: its bundle is not in {here.bundle_dir}, and"
    )
    assert [item.moves for item in chain.items] == [()] * SHOWN


def test_what_is_no_recommendation_is_said(conn: psycopg.Connection, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="'yesterday' is no recommendation's id"):
        why.run(conn, settings, "yesterday")
    with pytest.raises(DataError, match=r"There is no recommendation 0{8}-.*: it was never given, is not written yet"):
        why.run(conn, settings, str(UUID(int=0)))
