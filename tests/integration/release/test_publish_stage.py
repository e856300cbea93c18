"""The stage publish: whoever waits for another publish goes by what is true afterwards."""

import threading
from dataclasses import replace
from time import sleep

import psycopg
import pytest
from structlog.testing import capture_logs

from nextpick import registry
from nextpick.errors import ReleaseRefused
from nextpick.settings import Settings
from nextpick.stages import publish
from nextpick.store import release_log, releases, standings
from tests.published import USERS, Version, fill
from tests.published import publish as build


def test_a_champion_made_while_another_publish_runs_is_the_one_that_goes_live(
    conn: psycopg.Connection, database_url: str, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    conn.commit()
    champion = [version]
    monkeypatch.setattr(registry, "champion", lambda _: champion[0])
    settings = Settings(_env_file=None)
    waiting = threading.Thread(target=publish.run, args=(conn, settings))
    with psycopg.connect(database_url, autocommit=True) as another, releases.publish_lock(another):
        waiting.start()
        sleep(0.5)
        champion[0] = replace(version, version="2")
        publish.run(another, settings)
    waiting.join()
    live = releases.live(conn)
    assert live is not None
    assert (live.model_version, live.release_id) == ("2", 2)
    assert not conn.autocommit, "the connection was not left as it came"


def test_a_release_that_changes_too_much_does_not_go_live_without_a_reason(
    conn: psycopg.Connection, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    conn.commit()
    monkeypatch.setattr(registry, "champion", lambda _: version)
    settings = Settings(_env_file=None)
    first = publish.run(conn, settings)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id LIKE 'tea-%%' OR item_id > 'tool-04'")
    conn.commit()
    with pytest.raises(
        ReleaseRefused, match=r"Release 2 may not go live: The comparison .* blocked it\. .*max_short_l"
    ):
        publish.run(conn, settings, who="anna")
    live, blocked = releases.live(conn), standings.get(conn, 2)
    conn.commit()
    assert live is not None
    assert (live.release_id, blocked.status) == (first, "blocked")
    assert publish.run(conn, settings, who="anna", because="the tea is sold out") == 3
    live = releases.live(conn)
    assert live is not None
    assert live.release_id == 3
    assert [(entry.who, entry.action) for entry in release_log.newest(conn, 4)] == [
        ("anna", "force"), ("anna", "block"), ("anna", "block"), ("nextpick", "publish"),
    ]  # fmt: skip


def test_lists_that_nobody_is_to_see_of_the_live_model_are_warned_of_before_they_are_made(
    conn: psycopg.Connection, version: Version, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(conn)
    conn.commit()
    monkeypatch.setattr(registry, "champion", lambda _: version)
    settings = Settings(_env_file=None)
    publish.run(conn, settings, flip=False)
    assert "is live already" not in capsys.readouterr().err
    first = publish.run(conn, settings)
    second = publish.run(conn, settings, flip=False)
    said = capsys.readouterr().err
    assert f"Model version {version.version} is live already, by release {first}. This makes fresh lists" in said
    assert f"`nextpick publish --release {second}`" in said
    live = releases.live(conn)
    assert live is not None
    assert live.release_id == first


def test_where_there_is_no_terminal_progress_is_logged(conn: psycopg.Connection, version: Version) -> None:
    fill(conn)
    conn.commit()
    with capture_logs() as logs:
        build(conn, version)
    told = [(entry["users"], entry["of"]) for entry in logs if entry["event"] == "lists computed"]
    assert told[-1] == (len(USERS), len(USERS))
