"""Housekeeping's other parts: answers, what came in late of the erased, cards, run folders, trials of searches."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg

from nextpick import pipeline, registry
from nextpick.keeping.models import TUNING
from nextpick.mlflow_engine import connected, experiment
from nextpick.settings import Settings
from nextpick.stages import erase, housekeeping
from nextpick.store import partitions
from tests.integration.stages import test_housekeeping as whole
from tests.published import LAST

settings, conn, made = whole.settings, whole.conn, whole.made  # fixtures
ANSWER = """
INSERT INTO nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                                  item_ids, scores, sources)
VALUES (gen_random_uuid(), 'tea03', %(at)s, %(at)s, 1, 'default', 'default', '{tea-00}', '{1}', '{popular}')
"""


def test_old_months_of_answers_go_whole_and_the_others_stay(conn: psycopg.Connection, settings: Settings) -> None:
    for at in (LAST - timedelta(days=200), LAST - timedelta(days=80), LAST):
        with conn.transaction():
            partitions.make(conn, "impressions", [at])
        conn.execute(ANSWER, {"at": at})
    assert whole.tidied(conn, settings, dry=True)["impressions"].freed.said == ["impressions_2025_04"]
    assert conn.execute("SELECT count(*) FROM nextpick.impressions").fetchone() == (3,)
    assert whole.tidied(conn, settings)["impressions"].freed.said == ["impressions_2025_04"]
    left = conn.execute("SELECT answered_at FROM nextpick.impressions ORDER BY 1").fetchall()
    assert left == [(LAST - timedelta(days=80),), (LAST,)]


def test_what_came_in_while_a_user_was_erased_is_swept_away(conn: psycopg.Connection, settings: Settings) -> None:
    erased = erase.run(conn, settings, "tea03").gone.erased_at
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, received_at) "
        "VALUES ('late', 'tea03', 'tea-00', 'purchase', %(at)s, %(at)s)",
        {"at": erased - timedelta(seconds=1)},
    )
    assert whole.tidied(conn, settings, dry=True)["erased users"].freed.said == []
    assert whole.tidied(conn, settings)["erased users"].freed.said == ["1 events of erased users"]
    assert conn.execute("SELECT count(*) FROM nextpick.events WHERE user_id = 'tea03'").fetchone() == (0,)


def test_cards_go_with_their_versions(
    conn: psycopg.Connection, settings: Settings, made: Callable[[str], registry.ModelVersion]
) -> None:
    kept = made("newest").version
    for version in (kept, "7"):
        card = settings.home / "cards" / version
        card.mkdir(parents=True, exist_ok=True)
        os.utime(card, (whole.OLD, whole.OLD))
    assert whole.tidied(conn, settings)["cards"].freed.said == ["cards/7"]
    assert [path.name for path in (settings.home / "cards").iterdir()] == [kept]


def test_a_run_folder_from_before_an_erasure_goes_in_time_however_new_it_is(
    conn: psycopg.Connection, settings: Settings
) -> None:
    """It holds a copy of the data: of the erased user, too."""
    folder = pipeline.start(settings, "only")
    erased = erase.run(conn, settings, "tea03").gone.erased_at
    before = (erased - timedelta(hours=1)).timestamp()
    os.utime(folder, (before, before))
    for days, left in ((29, ["only"]), (31, [])):
        housekeeping.run(conn, settings, now=erased + timedelta(days=days))
        assert [path.name for path in pipeline.run_folders(settings)] == left


def test_trials_stay_and_go_with_their_search(conn: psycopg.Connection, settings: Settings, tmp_path: Path) -> None:
    with connected(settings) as client:
        place = experiment(client, settings, TUNING)
        for search in ("older", "newer"):
            parent = client.create_run(place, run_name=search).info.run_id
            for n in range(2):
                client.create_run(place, run_name=f"{search} {n}", tags={"mlflow.parentRunId": parent})
    gone = whole.tidied(conn, settings)["models"].freed.said
    assert sorted(gone) == ["run older", "run older 0", "run older 1"]
    with connected(settings) as client:
        left = {run.info.run_name for run in client.search_runs([place])}
    assert left == {"newer", "newer 0", "newer 1"}


def test_the_record_of_old_alerts_goes(conn: psycopg.Connection, settings: Settings) -> None:
    conn.execute(
        "INSERT INTO nextpick.alerts (told_at, what, said, outcome) "
        "SELECT unnest(%s::timestamptz[]), 'drift', 's', 'sent'",
        ([LAST - timedelta(days=400), LAST],),
    )
    assert whole.tidied(conn, settings)["alerts"].freed.said == ["1 alerts"]
    assert conn.execute("SELECT count(*) FROM nextpick.alerts").fetchone() == (1,)
