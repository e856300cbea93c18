"""Several workers of one service: whichever is asked for /metrics tells of all, also of those that died."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nextpick.errors import ConfigError
from nextpick.local import ports
from serving import shared
from tests.published import Version, fill, publish
from tests.serving.test_process import ROOT, wait_for

ASKED = 30


@contextmanager
def workers(database_url: str, folder: Path, n: int = 2) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a service of n workers, and the process that started them."""
    port = ports.free()
    words = [sys.executable, "-m", "uvicorn", "serving.app:create_app", "--factory", "--port", str(port)]
    given = {"NEXTPICK_DATABASE_URL": database_url, "NEXTPICK_API_OPEN_TO_LOOPBACK": "true"}
    environment = {**os.environ, **given, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with (folder.parent / "api.log").open("wb") as log:
        words += ["--workers", str(n), "--no-access-log"]
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready", 200, 120)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def samples(address: str) -> dict[str, float]:
    """What /metrics says, by name and labels."""
    text = httpx.get(f"{address}/metrics", timeout=10).text
    return {
        " ".join([sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end
        sleep(0.2)


def test_two_workers_tell_the_same_and_one_that_dies_takes_its_state_and_no_count_with_it(
    database_url: str, conn: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    fill(conn)
    conn.commit()
    release_id = publish(conn, version)
    conn.execute("INSERT INTO nextpick.runs (dag, run_id, outcome) VALUES ('retrain', 'r', 'failed')")
    conn.commit()
    folder = tmp_path / "metrics"
    old = folder / f"{shared._world()}-1-2"
    old.mkdir(parents=True)
    (old / "counter_77.db").write_bytes(b"of a service that is gone")
    counted = "nextpick_request_seconds_count method=POST route=/recommend status=200"
    with workers(database_url, folder) as (address, parent):
        until(lambda: len(list(folder.glob("*/gauge_livemin_*.db"))) == 2)
        assert not old.exists()
        until(lambda: samples(address)["nextpick_release_id"] == release_id)
        for _ in range(ASKED):  # each on a connection of its own, so that both workers get some
            httpx.post(f"{address}/recommend", json={"user_id": "tea03"}).raise_for_status()
        seen = [samples(address) for _ in range(8)]
        assert {one[counted] for one in seen} == {ASKED}
        assert {one["nextpick_answers_total degraded=false variant=default"] for one in seen} == {ASKED}
        assert {one["nextpick_pipeline_last_run_failed dag=retrain"] for one in seen} == {1.0}
        stable = [
            {name: n for name, n in one.items() if name.startswith(("nextpick_live", "nextpick_pip"))} for one in seen
        ]
        assert all(one == stable[0] for one in stable)
        assert all("pid" not in name for name in seen[0])
        (own,) = folder.iterdir()
        waiting = own / "gauge_livesum_4000000.db"  # a worker that died with answers in its queue
        waiting.write_bytes(next(own.glob("gauge_livesum_*.db")).read_bytes())
        victim = int(next(own.glob("gauge_livemin_*.db")).stem.rsplit("_", 1)[-1])
        os.kill(victim, signal.SIGKILL)
        until(lambda: psutil.pid_exists(victim) is False or psutil.Process(victim).status() == "zombie")
        until(lambda: _asked(address).get(counted) == ASKED)
        assert not waiting.exists()
        until(lambda: _asked(address).get("nextpick_release_id") == release_id)
        assert parent.is_running()


def _asked(address: str) -> dict[str, float]:
    try:
        return samples(address)
    except httpx.TransportError:
        return {}


def test_a_process_by_itself_keeps_its_figures_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shared.VARIABLE, raising=False)
    assert shared.folder() is None


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(shared.VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(ConfigError, match=r"cannot share their figures in .*below: .*Set PROMETHEUS_MULTIPROC_DIR"):
        shared.folder()


def test_a_disk_without_room_for_figures_is_told_at_the_start_and_not_by_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ConfigError, match=r"No space left on device, for 5 files of 262,144 bytes each\. Make room"):
        shared.share(tmp_path)


def test_every_file_of_figures_has_its_room_from_the_start(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from serving.metrics import Metrics; Metrics(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    files = {path.name.rsplit("_", 1)[0]: path.stat() for path in tmp_path.iterdir()}
    assert set(files) == set(shared.KINDS)
    assert all(file.st_blocks * 512 >= shared.ROOM for file in files.values())


def test_of_others_only_folders_whose_service_is_gone_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(shared.VARIABLE, str(tmp_path))
    alive, other = tmp_path / shared._name(os.getpid()), tmp_path / "mine"
    gone = tmp_path / f"{alive.name.rpartition('-')[0]}-1"
    elsewhere = tmp_path / "1-1-1"  # of the first process of another container
    for path in (alive, gone, other, elsewhere):
        path.mkdir()
    own = shared.folder()
    assert sorted(tmp_path.iterdir()) == sorted(path for path in (alive, other, elsewhere, own) if path is not None)
