"""From events to a personalised recommendation: every part is the real one."""

import shutil
import subprocess
import sys
from typing import Any

import httpx
import psycopg

from nextpick import registry
from nextpick.models.bundle import load_bundle
from nextpick.settings import load_settings
from nextpick.store import releases, snapshots
from tests.end_to_end.conftest import ORDER, USER, Loop
from tests.orchestrated import returned, run, states


def recommend(loop: Loop, user_id: str, k: int = 10) -> dict[str, Any]:
    response = httpx.post(f"{loop.address}/recommend", json={"user_id": user_id, "top_k": k}, timeout=30)
    response.raise_for_status()
    return response.json()


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def owned(loop: Loop, user_id: str) -> set[str]:
    with psycopg.connect(loop.database_url) as conn:
        rows = conn.execute("SELECT item_id FROM nextpick.events WHERE user_id = %s AND kind = 'purchase'", (user_id,))
        return {row[0] for row in rows}


def nextpick(*arguments: str) -> str:
    """What a command prints."""
    return subprocess.check_output([sys.executable, "-m", "nextpick", *arguments], text=True, stderr=subprocess.STDOUT)


def test_every_dag_is_green_and_the_gate_let_the_model_pass(loop: Loop) -> None:
    assert {dag_id: loop.runs[dag_id].state for dag_id in ORDER} == dict.fromkeys(ORDER, "success")
    assert states(loop.runs["retrain"])["promote"] == "success"


def test_what_is_served_can_be_traced_to_its_snapshot_its_code_and_its_run(loop: Loop) -> None:
    with psycopg.connect(loop.database_url) as conn:
        live, snapshot = releases.live(conn), snapshots.newest(conn)
    champion = registry.champion(load_settings())
    assert live is not None
    assert champion is not None
    assert snapshot is not None
    assert (live.model_version, live.bundle_sha256) == (champion.version, champion.bundle_sha256)
    assert live.lineage.items() >= champion.lineage.items()
    assert champion.lineage["data_md5"] == snapshot.raw_md5 == returned(loop.runs["data_prep"], "export")
    assert champion.lineage["run_id"] == f"retrain.{loop.runs['retrain'].run_id}"
    assert snapshot.run_id == f"data_prep.{loop.runs['data_prep'].run_id}"


def test_a_known_user_is_answered_otherwise_than_a_stranger(loop: Loop) -> None:
    known, stranger = recommend(loop, USER), recommend(loop, "a stranger")
    assert {item["source"] for item in stranger["items"]} == {"popular"}
    assert {item["source"] for item in known["items"]} == {"reranked"}
    assert len(known["items"]) == len(stranger["items"]) == 10
    assert len(set(ids(known)) & set(ids(stranger))) <= 5


def test_the_seen_policy_is_kept_what_a_shop_bought_may_come_again(loop: Loop) -> None:
    answer = recommend(loop, USER)
    again = set(ids(answer)) & owned(loop, USER)
    assert again
    assert {item["item_id"] for item in answer["items"] if item["reason"].startswith("You bought this")} == again


def test_the_command_line_answers_as_the_service_does(loop: Loop) -> None:
    answer = recommend(loop, "12748", 5)
    printed = nextpick("recommend", "12748", "-k", "5")
    places = [printed.find(f" {item_id} ") for item_id in ids(answer)]
    assert -1 not in places
    assert places == sorted(places)


def test_an_answer_changes_once_the_user_has_done_something(loop: Loop) -> None:
    before = recommend(loop, USER)
    bought = {"user_id": USER, "item_id": ids(before)[-1], "kind": "purchase"}
    bought["recommendation_id"] = before["recommendation_id"]
    httpx.post(f"{loop.address}/events", json={"events": [bought] * 5}, timeout=30).raise_for_status()
    after = recommend(loop, USER)
    assert after["release"] == before["release"]
    assert ids(after) != ids(before)


def test_status_says_what_is_live_and_why(loop: Loop) -> None:
    printed = nextpick("status")
    champion = registry.champion(load_settings())
    assert champion is not None
    assert f"model version {champion.version}" in printed
    assert "champion" in printed
    assert "is better than the popular list" in printed


def test_the_command_line_trains_and_publishes_what_the_dags_do(loop: Loop) -> None:
    with psycopg.connect(loop.database_url) as conn:
        live, snapshot = releases.live(conn), snapshots.newest(conn)
    assert live is not None
    assert snapshot is not None
    printed = nextpick("train", "--until", f"{snapshot.cutoff:%Y-%m-%dT%H:%M:%S}")
    assert "Running stage" not in printed
    assert f"No new data, or anything else new: version {live.model_version} is this very model" in " ".join(
        printed.split()
    )
    assert "is ready, and not live" in nextpick("publish", "--no-flip")


def test_a_night_without_news_computes_nothing_and_registers_nothing(loop: Loop) -> None:
    snapshot = returned(loop.runs["data_prep"], "export")
    again = run("retrain", snapshot=snapshot)
    stages = [task_id for task_id in states(again) if task_id.startswith("dvc.")]
    assert len(stages) == 4
    assert all(returned(again, stage) for stage in stages)
    assert {states(again)[task_id] for task_id in ("register", "gate", "promote", "refused")} == {"skipped"}
    assert len(registry.newest(load_settings(), 10)) == 1


def test_a_machine_without_the_bundle_fetches_it_from_the_registry(loop: Loop) -> None:
    shutil.rmtree(loop.home / "bundles")
    champion = registry.champion(load_settings())
    assert champion is not None
    assert load_bundle(champion.bundle_dir, champion.bundle_sha256).metrics
