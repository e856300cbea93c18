"""The stage publish: whoever waits for another publish goes by what is true afterwards."""

import threading
from dataclasses import replace
from time import sleep

import psycopg
import pytest

from nextpick import registry
from nextpick.settings import Settings
from nextpick.stages import publish
from nextpick.store import releases
from tests.published import Version, fill


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
