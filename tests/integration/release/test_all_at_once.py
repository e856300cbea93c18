"""Publishes, rollbacks, erasures, housekeeping and readers who take their time, all at once: each gets on, none breaks
another."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import sleep

import psycopg
import pytest

from nextpick.errors import ReleaseRefused, StoreError
from nextpick.keeping import database
from nextpick.models import manifest
from nextpick.release import publish
from nextpick.settings import Settings
from nextpick.stages import compare, go_live, rollback
from nextpick.store import erasure
from tests.integration.release.blocks import CUTOFF, ITEMS, USERS, build, draft, seed

SECONDS = 8.0
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
READ = """
SELECT r.status, (SELECT count(*) FROM nextpick.release_items AS i WHERE i.release_id = r.release_id),
       (SELECT count(DISTINCT scores[1]) FROM nextpick.lists AS l WHERE l.release_id = r.release_id),
       (SELECT count(*) FROM nextpick.lists AS l WHERE l.release_id = r.release_id) >= %s
FROM nextpick.live JOIN nextpick.releases AS r USING (release_id)
"""


@dataclass
class Everybody:
    """What each of them does, over and over, on a connection of its own."""

    settings: Settings
    bundles: dict[str, str]  # folder -> sha256
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    numbers: count = field(default_factory=lambda: count(1))  # type: ignore[type-arg]
    to_erase: list[str] = field(default_factory=lambda: [f"юзер {n}" for n in range(1, 9)])
    seen: set[tuple[object, ...]] = field(default_factory=set)

    def publishes(self, conn: psycopg.Connection) -> None:
        number, folder = next(self.numbers), self.draw.choice(list(self.bundles))
        made = draft(f"command.{number}", CUTOFF + timedelta(seconds=number))
        made = replace(made, bundle_uri=folder, bundle_sha256=self.bundles[folder], known=datetime.now(UTC))
        with publish.turn(conn, made.run_id, 60):
            release_id = build(conn, float(number), made=made, flip=False)
            compare.run(conn, self.settings, release_id)
            go_live.run(conn, self.settings, release_id, who="anna", because="whatever stands against it")

    def goes_back(self, conn: psycopg.Connection) -> None:
        with suppress(ReleaseRefused, StoreError):  # where there is nothing to go back to, or something was quicker
            rollback.run(conn, self.settings, who="ben", because="complaints")

    def erases(self, conn: psycopg.Connection) -> None:
        if self.to_erase:
            with conn.transaction():
                erasure.erase(conn, self.to_erase.pop())

    def takes_time(self, conn: psycopg.Connection) -> None:
        with conn.transaction():
            conn.execute("SELECT count(*) FROM nextpick.lists")
            sleep(0.7)

    def tidies(self, conn: psycopg.Connection) -> None:
        database.generations(conn, 2, ALWAYS, False)

    def reads(self, conn: psycopg.Connection) -> None:
        self.seen.update(conn.execute(READ, (USERS - 8,)).fetchall())


def test_each_gets_on_and_readers_see_only_whole_releases(
    conn: psycopg.Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "_tell_mlflow", lambda *_: "")  # there is none here
    seed(conn)
    folders = {str(tmp_path / name): manifest.write({"ranker.txt": name.encode()}, tmp_path / name) for name in "ab"}
    us = Everybody(Settings(_env_file=None, home=tmp_path), folders)
    stop, done, broken = threading.Event(), Counter[str](), []

    def again_and_again(act: Callable[[psycopg.Connection], None]) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            while not stop.is_set() and not broken:
                try:
                    act(own)
                except Exception as error:  # noqa: BLE001 - whatever it is, the test is to tell
                    broken.append(f"{act.__name__}: {error!r}")
                done[act.__name__] += 1
                sleep(0.05)

    acts = [us.publishes, us.publishes, us.goes_back, us.erases, us.takes_time, us.tidies, us.reads]
    threads = [threading.Thread(target=again_and_again, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    assert broken == []
    assert us.seen == {("ready", ITEMS, 1, True)}
    assert done["publishes"] >= 5, f"they keep each other from getting on: {done}"
