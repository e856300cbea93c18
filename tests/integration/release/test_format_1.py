"""A bundle of the format before this one is still served, and lists still made with it: going back over an upgrade.

`format_1/bundle` was trained on the world of tests/published.py by the last code that wrote format 1, with pools of 8
ALS, 6 buy again and 5 popular; `format_1/lists.json` holds the lists which that code made with it just after the last
event, tea-01 hidden.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from nextpick.features.histories import histories
from nextpick.features.items import ITEM_FEATURES, item_table
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.models.manifest import MANIFEST
from nextpick.release.lookup import hidden_mask, microseconds
from nextpick.release.precompute import Inputs, ListBlock, list_blocks
from nextpick.settings import Settings
from nextpick.stages import rollback
from nextpick.store import releases
from serving.arm import load_and_try
from tests.published import LAST, Version, catalogue, fill, interactions, publish

FORMER = Path(__file__).parent / "format_1"
KNOWN = json.loads((FORMER / "lists.json").read_text())


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(FORMER / "bundle")


def lists(bundle: Bundle) -> ListBlock:
    users = bundle.users.extended(np.array(["nobody"], object))
    as_of = microseconds(LAST + timedelta(microseconds=1))
    bought = interactions()
    inputs = Inputs(
        users=users,
        histories=histories(bought, users, bundle.items, bundle.params.data.kinds, as_of),
        table=item_table(bought, catalogue(), bundle.items, as_of),
        hidden=hidden_mask(bundle.items, frozenset({"tea-01"})),
    )
    (block,) = list_blocks(bundle, inputs)
    return block


def test_it_is_what_it_says(bundle: Bundle) -> None:
    assert json.loads((FORMER / "bundle" / MANIFEST).read_text())["format"] == bundle.format_version == 1
    assert not (FORMER / "bundle" / "importance.json").exists()
    assert set(KNOWN["item_features"]) < set(ITEM_FEATURES)
    assert min(rank for user in KNOWN["lists"].values() for row in user["ranks"] for rank in row) == -1


def test_this_code_makes_the_lists_that_the_code_of_its_format_made(bundle: Bundle) -> None:
    made = lists(bundle)
    assert len(made.user_ids) == len(KNOWN["lists"]) == 25
    for user_id, start, end in zip(made.user_ids, made.starts, made.starts[1:], strict=False):
        known = KNOWN["lists"][user_id]
        assert [bundle.items.ids[row] for row in made.item_rows[start:end]] == known["item_ids"], user_id
        np.testing.assert_allclose(made.scores[start:end], known["scores"], atol=1e-5)


def test_without_its_rule_for_ranks_the_lists_would_be_others(bundle: Bundle) -> None:
    assert bundle.ranker.at_most == {"als_rank": 7, "buy_again_rank": 5, "popular_rank": 4}
    features = np.zeros((2, len(bundle.features)), np.float32)
    features[:, bundle.features.index("als_rank")] = 7, 8
    unknown = features.copy()
    unknown[1, bundle.features.index("als_rank")] = np.nan
    np.testing.assert_array_equal(bundle.ranker.predict(features), bundle.ranker.predict(unknown))


def test_it_is_published_and_taken_over_by_the_service(
    conn: psycopg.Connection, database_url: str, bundle: Bundle
) -> None:
    fill(conn)
    conn.commit()
    release_id = publish(conn, Version("1", FORMER / "bundle", bundle.sha256))
    assert load_and_try(database_url, release_id)[0].bundle.sha256 == bundle.sha256


def test_it_is_gone_back_to_over_the_upgrade(
    conn: psycopg.Connection,
    database_url: str,
    bundle: Bundle,
    version: Version,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    fill(conn)
    conn.commit()
    former = publish(conn, Version("1", FORMER / "bundle", bundle.sha256))
    publish(conn, replace(version, version="2"))
    settings = Settings(_env_file=None, home=tmp_path, mlflow_url="http://127.0.0.1:9")
    done = rollback.run(conn, settings, who="anna", because="the upgrade")
    assert (done.to.release_id, done.rejected) == (former, "2")
    live = releases.live(conn)
    assert live is not None
    assert load_and_try(database_url, live.release_id)[0].bundle.format_version == 1


def test_a_release_that_the_former_code_published_is_taken_over_as_it_is(
    conn: psycopg.Connection, database_url: str, bundle: Bundle
) -> None:
    fill(conn)
    conn.commit()
    release_id = publish(conn, Version("1", FORMER / "bundle", bundle.sha256))
    places = [ITEM_FEATURES.index(name) + 1 for name in KNOWN["item_features"]]
    conn.execute(
        "UPDATE nextpick.release_items SET features = (SELECT array_agg(features[place] ORDER BY n) "
        "FROM unnest(%s::integer[]) WITH ORDINALITY AS kept (place, n)) WHERE release_id = %s",
        (places, release_id),
    )
    conn.execute(
        "UPDATE nextpick.releases SET lineage = lineage || jsonb_build_object('item_features', %s::jsonb) "
        "WHERE release_id = %s",
        (json.dumps(KNOWN["item_features"]), release_id),
    )
    for user_id, known in KNOWN["lists"].items():  # as that code stored them
        rows = [bundle.items.row(item_id) for item_id in known["item_ids"]]
        conn.execute(
            "UPDATE nextpick.lists SET generator_ranks = %s::smallint[] WHERE user_id = %s AND item_rows = %s::int[]",
            ([rank for item in known["ranks"] for rank in item], user_id, rows),
        )
    conn.commit()
    loaded, _ = load_and_try(database_url, release_id)
    assert np.isnan(loaded.table.features[:, ITEM_FEATURES.index("first_buyers_7d")]).all()
    assert not np.isnan(loaded.table.features[:, ITEM_FEATURES.index("popularity_7d")]).any()
