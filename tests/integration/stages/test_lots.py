"""Places given away by lot go from Postgres through the snapshot to a figure that can be reckoned by hand."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
import pytest

from nextpick.errors import DataError
from nextpick.evaluation.trial import two_stage
from nextpick.features.holdout import holdout
from nextpick.features.items import popularity_order
from nextpick.params import load_params
from nextpick.schema import LOT_COLUMNS
from nextpick.stages import data_prep, evaluate, export, prepared, train_collab, train_ranker
from nextpick.store import erasure, impressions
from tests import trained
from tests.published import ITEMS, LAST, USERS, Version, fill, interactions

ANSWER = """
INSERT INTO nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                                  item_ids, scores, sources, propensities)
VALUES (%s, %s, %s, now(), 1, 'default', %s, %s, '{}', '{}', %s)
"""
NOON = datetime(2025, 11, 12, 12, tzinfo=UTC)  # 6 hours before the last purchase
DAY = timedelta(days=1)


def answer(
    conn: psycopg.Connection, n: int, user: str | None, at: datetime, odds: list[float] | None, where: str = "default"
) -> None:
    conn.execute(ANSWER, (UUID(int=n), user, at, where, ["tea-00", "tea-07", "tool-03"], odds))


def test_only_answers_with_lots_of_the_known_are_read_place_by_place(conn: psycopg.Connection) -> None:
    odds = [0.75, 0.125, 0.75]
    answer(conn, 1, "ben", NOON, odds)
    answer(conn, 2, "ann", NOON - DAY, odds)
    answer(conn, 3, "ann", NOON, None)
    answer(conn, 4, None, NOON, odds)
    answer(conn, 5, "ann", NOON, odds, "basket")
    answer(conn, 6, "ann", NOON - 9 * DAY, odds)
    answer(conn, 7, "ann", LAST, odds)
    answer(conn, 8, "gone", NOON, odds)
    conn.execute("INSERT INTO nextpick.erased_users (user_id, erased_at) VALUES ('gone', %s)", (NOON,))
    answer(conn, 9, "gone", NOON + timedelta(seconds=1), odds)
    found = impressions.lots(conn, since=NOON - 2 * DAY, before=LAST)
    assert list(found) == list(LOT_COLUMNS)
    assert found["answer"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert found["user_id"].tolist() == ["ann"] * 3 + ["ben"] * 3 + ["gone"] * 3
    assert found["rank"].tolist() == [0, 1, 2] * 3
    assert found["item_id"].tolist() == ["tea-00", "tea-07", "tool-03"] * 3
    assert found["propensity"].tolist() == odds * 3


@pytest.fixture
def raw(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """data/raw as the export writes it, with DVC left out."""
    fill(conn)
    conn.commit()
    monkeypatch.setattr(export.pipeline, "start", lambda *_: tmp_path)
    monkeypatch.setattr(export.pipeline, "track", lambda _: "md5")
    monkeypatch.setattr(export.pipeline, "push", lambda *_, **__: None)
    (tmp_path / "params.yaml").write_text(trained.PARAMS.read_text())
    return tmp_path / "data" / "raw"


def exported(conn: psycopg.Connection, raw: Path) -> set[str]:
    conn.commit()
    export.run(conn, None, cutoff=LAST + 2 * DAY, run_id="r")  # type: ignore[arg-type] - DVC is left out
    return {path.name for path in raw.iterdir()}


def test_a_snapshot_has_lots_where_there_were_some_and_none_of_the_erased(conn: psycopg.Connection, raw: Path) -> None:
    answer(conn, 1, "tea00", NOON, None)
    answer(conn, 2, "tea00", NOON - 40 * DAY, [0.5, 0.5, 0.5])  # before the test window: nothing to judge by it
    names = {"events.parquet", "items.parquet", "impressions.parquet"}
    assert exported(conn, raw) == names
    project = raw.parent.parent
    data_prep.run(project)
    assert not (project / "data" / "prepared" / "lots.parquet").exists()
    without = prepared.read(project)
    assert (list(without.lots), len(without.lots)) == (list(LOT_COLUMNS), 0)
    answer(conn, 3, "tea00", NOON, [0.5, 0.5, 0.5])
    answer(conn, 4, "tea01", NOON, [0.5, 0.5, 0.5])
    assert exported(conn, raw) == names | {"lots.parquet"}
    data_prep.run(project)
    lots = prepared.read(project).lots
    assert set(lots["user_id"]) == {"tea00", "tea01"}
    assert lots.dtypes.to_dict() == without.lots.dtypes.to_dict()
    erasure.erase(conn, "tea01")
    exported(conn, raw)
    assert set(pd.read_parquet(raw / "lots.parquet")["user_id"]) == {"tea00"}


def test_a_snapshot_whose_lots_lack_a_column_is_refused(conn: psycopg.Connection, raw: Path) -> None:
    exported(conn, raw)
    pd.DataFrame({"user_id": ["a"], "item_id": ["b"]}).to_parquet(raw / "lots.parquet", index=False)
    with pytest.raises(DataError, match="The lots of the snapshot lack answer, rank, shown_at, propensity; they have"):
        data_prep.run(raw.parent.parent)


def drawn() -> pd.DataFrame:
    """Ten answers of twelve places to each user and to two the model does not know, some before the test window and
    some in its last day; LOT_COLUMNS."""
    rng, rows = np.random.default_rng(5), []
    for number, user in enumerate([*USERS, "newcomer", "nobody"] * 10):
        at = LAST - timedelta(seconds=int(rng.integers(0, 16 * 86_400)))
        for rank, item in enumerate(rng.permutation(np.array(ITEMS))[:12]):
            rows.append((number, user, str(item), rank, at, rng.choice([0.7, 0.05])))
    frame = pd.DataFrame(rows, columns=list(LOT_COLUMNS)).astype({"rank": "int16", "propensity": "float32"})
    return frame.assign(shown_at=pd.to_datetime(frame["shown_at"], utc=True).astype("datetime64[us, UTC]"))


@pytest.fixture
def project(tmp_path: Path, version: Version) -> Path:
    """The world's stages run again, on a snapshot that has lots, and one user who first came in the test window."""
    (tmp_path / "params.yaml").write_text((version.bundle_dir.parents[1] / "params.yaml").read_text())
    folder = tmp_path / "data" / "raw"
    folder.mkdir(parents=True)
    events = interactions()
    new = events[-1:].assign(event_id="new", user_id="newcomer", occurred_at=LAST - 3 * DAY)
    pd.concat([events, new]).to_parquet(folder / "events.parquet", index=False)
    trained.catalogue().to_parquet(folder / "items.parquet", index=False)
    drawn().to_parquet(folder / "lots.parquet", index=False)
    for stage in (data_prep, train_collab, train_ranker, evaluate):
        stage.run(tmp_path)
    return tmp_path


def test_the_figures_are_those_of_a_loop_over_the_places(project: Path) -> None:
    params, snapshot = load_params(project / "params.yaml"), prepared.read(project)
    windows = snapshot.windows
    held = holdout(snapshot, params, windows.test_from, windows.cutoff)
    everybody = replace(held, users=np.arange(len(snapshot.users), dtype=np.int32))
    generators = train_collab.read(project, "test", params)
    lists = two_stage(generators, train_ranker.read(project), everybody, params).lists
    popular = popularity_order(held.table)[0][: params.evaluation.k]
    done = snapshot.interactions
    earned: dict[int, float] = {}
    logged = weights = squares = 0.0
    places = by_lot = 0
    for lot in snapshot.lots.itertuples():
        at = int(pd.Timestamp(lot.shown_at).value // 1000)
        if not windows.test_from <= at < windows.cutoff - 86_400_000_000 or lot.rank >= params.evaluation.k:
            continue
        row = snapshot.users.row(lot.user_id)
        wanted = {snapshot.items.ids[item] for item in (popular if row is None else lists[row])}
        own = done[(done["user_id"] == lot.user_id) & (done["item_id"] == lot.item_id)]["occurred_at"]
        took = bool(((own >= lot.shown_at) & (own <= lot.shown_at + DAY)).any())
        odds = float(lot.propensity)  # in its place; of ten that are judged each might have had what came by lot
        weight = (lot.item_id in wanted) / (odds if odds > 0.5 else 10 * odds)
        by_lot += weight > 0 and odds < 0.5
        earned[lot.answer] = earned.get(lot.answer, 0.0) + weight * took
        logged, weights, squares, places = logged + took, weights + weight, squares + weight**2, places + 1
    figures = json.loads((project / "metrics.json").read_text())
    assert figures["ips_answers"] == len(earned) > 150
    assert figures["ips_reward_per_answer"] == pytest.approx(sum(earned.values()) / len(earned), abs=1e-5)
    assert figures["logged_reward_per_answer"] == pytest.approx(logged / len(earned), abs=1e-5)
    assert figures["ips_effective_sample_size"] == pytest.approx(weights**2 / squares, rel=1e-5)
    assert figures["ips_lots"] == by_lot > 100
    assert figures["ips_supported_share"] == pytest.approx(weights / places, abs=1e-5)
    assert figures["ips_snips"] == pytest.approx(sum(earned.values()) / weights * places / len(earned), abs=1e-5)
    assert figures["ips_reward_low"] < figures["ips_reward_per_answer"] < figures["ips_reward_high"]
    assert figures["ips_reward_per_answer"] > 0


def test_without_lots_there_are_no_such_figures(version: Version) -> None:
    figures = json.loads((version.bundle_dir.parents[1] / "metrics.json").read_text())
    assert [name for name in figures if name.startswith(("ips_", "logged_"))] == []
