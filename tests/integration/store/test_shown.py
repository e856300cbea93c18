"""What answers showed comes out of Postgres rank by rank, and goes with the snapshot to where the ranker learns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.errors import DataError
from nextpick.features.holdout import holdout
from nextpick.params import load_params
from nextpick.stages import data_prep, export, prepared
from nextpick.store import impressions
from tests.published import LAST, catalogue, fill, interactions
from tests.trained import PARAMS

ANSWER = """
INSERT INTO nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                                  item_ids, scores, sources)
VALUES (gen_random_uuid(), %s, %s, now(), 1, 'default', 'default', %s, '{}', '{}')
"""
NOON = datetime(2025, 11, 12, 12, tzinfo=UTC)  # 6 hours before the last purchase


def answer(conn: psycopg.Connection, user: str, at: datetime, *item_ids: str) -> None:
    conn.execute(ANSWER, (user, at, list(item_ids)))


def read(conn: psycopg.Connection, days: int = 30) -> list[tuple[str, str, int]]:
    found = impressions.shown(conn, since=NOON - timedelta(days=days), before=LAST)
    return list(found[["user_id", "item_id", "rank"]].itertuples(index=False, name=None))


def test_each_item_of_an_answer_has_its_rank_and_the_best_of_a_day_counts(conn: psycopg.Connection) -> None:
    answer(conn, "ann", NOON, "a", "b", "c")
    answer(conn, "ann", NOON + timedelta(hours=1), "c", "a")
    answer(conn, "ann", NOON - timedelta(days=1), "b")
    answer(conn, "ben", NOON - timedelta(days=40), "a")
    answer(conn, "ben", LAST, "a")
    assert read(conn) == [("ann", "b", 0), ("ann", "a", 0), ("ann", "b", 1), ("ann", "c", 0)]
    assert str(impressions.shown(conn, since=NOON, before=LAST)["shown_at"].dtype) == "datetime64[us, UTC]"


def test_a_narrowed_answer_and_a_sessions_teach_nothing_of_ranks(conn: psycopg.Connection) -> None:
    """The first of what a filter left is not the first of all, and who nobody knows has no rank."""
    answer(conn, "ann", NOON, "a", "b")
    conn.execute("UPDATE nextpick.impressions SET narrowed = true")
    conn.execute(ANSWER, (None, NOON, ["c"]))
    answer(conn, "ann", NOON, "b", "a")
    assert read(conn) == [("ann", "a", 1), ("ann", "b", 0)]


def test_no_answers_are_an_empty_frame_of_the_same_columns(conn: psycopg.Connection) -> None:
    found = impressions.shown(conn, since=NOON, before=LAST)
    assert (list(found), len(found), str(found["rank"].dtype)) == (
        ["user_id", "item_id", "rank", "shown_at"],
        0,
        "int16",
    )


@pytest.fixture
def raw(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """data/raw as the export writes it, with DVC left out."""
    fill(conn)
    conn.commit()
    monkeypatch.setattr(export.pipeline, "start", lambda *_: tmp_path)
    monkeypatch.setattr(export.pipeline, "track", lambda _: "md5")
    monkeypatch.setattr(export.pipeline, "push", lambda *_, **__: None)
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    return tmp_path / "data" / "raw"


def exported(conn: psycopg.Connection, raw: Path) -> set[str]:
    export.run(conn, None, cutoff=LAST + timedelta(days=2), run_id="r")  # type: ignore[arg-type] - DVC is left out
    return {path.name for path in raw.iterdir()}


def test_the_snapshot_holds_what_was_shown_before_its_newest_event(conn: psycopg.Connection, raw: Path) -> None:
    """Answers after it change nothing: without a new event it is the same snapshot."""
    answer(conn, "tea00", LAST + timedelta(hours=1), "tea-00")
    conn.commit()
    assert exported(conn, raw) == {"events.parquet", "items.parquet"}
    answer(conn, "tea00", NOON, "tea-01", "tea-00")
    conn.commit()
    assert exported(conn, raw) == {"events.parquet", "items.parquet", "impressions.parquet"}
    assert pd.read_parquet(raw / "impressions.parquet")["item_id"].tolist() == ["tea-00", "tea-01"]


def test_what_was_shown_reaches_the_window_whose_labels_it_explains(conn: psycopg.Connection, raw: Path) -> None:
    answer(conn, "tea00", NOON - timedelta(days=20), "tea-01", "tea-00")
    conn.commit()
    exported(conn, raw)
    project = raw.parent.parent
    data_prep.run(project)
    snapshot, params = prepared.read(project), load_params(project / "params.yaml")

    def rank(snapshot: Snapshot, days: int) -> list[int]:
        end = snapshot.windows.cutoff - (days - 15) * 86_400_000_000
        held = holdout(snapshot, params, snapshot.windows.cutoff - days * 86_400_000_000, end)
        assert held.shown is not None
        user, items = snapshot.users.row("tea00"), [snapshot.items.row(f"tea-0{n}") for n in range(3)]
        return held.shown.rank([user] * 3, items).tolist()  # type: ignore[list-item, arg-type]

    assert rank(snapshot, 30) == [1, 0, -1]
    assert rank(snapshot, 15) == [-1, -1, -1]


def test_a_snapshot_whose_impressions_lack_a_column_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "raw"
    raw.mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    interactions().to_parquet(raw / "events.parquet", index=False)
    catalogue().to_parquet(raw / "items.parquet", index=False)
    pd.DataFrame({"user_id": ["a"], "item_id": ["b"]}).to_parquet(raw / "impressions.parquet", index=False)
    with pytest.raises(
        DataError, match="The impressions of the snapshot lack rank, shown_at; they have user_id, item_id"
    ):
        data_prep.run(tmp_path)
