"""The embedded server: durable, private, and back after whatever happened to it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from nextpick.errors import LocalError
from nextpick.local import databases, ports, postgres, secrets
from nextpick.local.secrets import Secrets
from tests.conftest import FOLDER


@dataclass
class Server:
    cluster: postgres.Cluster
    port: int
    log: Path
    known: Secrets
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.process = postgres.start(self.cluster, self.port, self.log)

    def stop(self) -> None:
        if self.process is not None:
            postgres.stop(self.process)

    def url(self, name: str) -> str:
        return databases.url(self.port, name, self.known)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the account Postgres runs as can reach, which pytest's own are not."""
    found = Path(tempfile.mkdtemp(prefix="local-", dir=os.environ[FOLDER]))
    found.chmod(0o711)
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    known = secrets.load(folder / "secrets.json")
    found = Server(postgres.Cluster(folder / "postgres"), ports.free(), folder / "log", known)
    postgres.create(found.cluster, known.postgres)
    found.start()
    databases.ensure(found.port, known)
    yield found
    found.stop()


@pytest.fixture
def stopped(server: Server) -> Iterator[Server]:
    server.stop()
    yield server
    server.start()


def test_it_does_not_run_as_root_and_its_folders_are_private(server: Server) -> None:
    assert server.process is not None
    assert psutil.Process(server.process.pid).uids().effective != 0
    for path in (server.cluster.folder, server.cluster.data):
        assert path.stat().st_mode & 0o077 == 0


def test_it_is_durable_and_wants_scram_passwords(server: Server) -> None:
    with psycopg.connect(server.url("nextpick")) as conn:
        assert conn.execute("SHOW fsync").fetchone() == ("on",)
        assert conn.execute("SHOW synchronous_commit").fetchone() == ("on",)
    rules = (server.cluster.data / "pg_hba.conf").read_text().splitlines()
    assert {line.split()[-1] for line in rules if line and not line.startswith("#")} == {"scram-sha-256"}


@pytest.mark.parametrize("name", databases.NAMES)
def test_a_role_enters_its_own_database_and_no_other(server: Server, name: str) -> None:
    with psycopg.connect(server.url(name)) as conn:
        conn.execute("CREATE TABLE mine (x int)")
        conn.rollback()
    for other in {*databases.NAMES, "postgres", "template1"} - {name}:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(server.url(name).rpartition("/")[0] + f"/{other}")


def test_a_wrong_password_is_refused(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url("nextpick").replace(server.known.nextpick_database, "wrong"))


def test_no_password_reaches_the_servers_log(server: Server) -> None:
    with psycopg.connect(f"postgresql://postgres:{server.known.postgres}@127.0.0.1:{server.port}/postgres") as conn:
        conn.autocommit = True
        conn.execute("ALTER SYSTEM SET log_statement = 'all'")
        conn.execute("SELECT pg_reload_conf()")
    databases.ensure(server.port, server.known)
    assert "ALTER ROLE" in server.log.read_text()
    assert server.known.nextpick_database not in server.log.read_text()


def test_it_starts_again_after_kill_9_with_all_that_was_committed(server: Server) -> None:
    with psycopg.connect(server.url("nextpick")) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS x")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    assert (server.cluster.data / "postmaster.pid").exists()
    server.start()
    with psycopg.connect(server.url("nextpick")) as conn:
        assert conn.execute("SELECT x FROM kept").fetchone() == (7,)


def test_it_starts_where_the_lock_files_number_is_another_program_by_now(stopped: Server) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        lock = stopped.cluster.data / "postmaster.pid"
        lock.write_text(f"{other.pid}\n{stopped.cluster.data}\n1700000000\n{stopped.port}\n\n127.0.0.1\n")
        stopped.start()
        assert other.poll() is None
        other.kill()
    stopped.stop()


def test_a_server_that_was_left_behind_is_ended_before_the_next_starts(server: Server) -> None:
    left = server.process
    assert left is not None
    server.start()
    assert left.wait(60) == 0


def test_a_server_tied_to_a_run_ends_with_it(stopped: Server) -> None:
    script = (
        "import os, sys; from pathlib import Path; from nextpick.local import postgres\n"
        "p = postgres.start(postgres.Cluster(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3]), tied=True)\n"
        "print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    words = [sys.executable, "-c", script, stopped.cluster.folder, str(stopped.port), stopped.log]
    pid = int(subprocess.run(words, stdout=subprocess.PIPE, check=False).stdout)
    psutil.wait_procs([psutil.Process(pid)], 10) if psutil.pid_exists(pid) else None
    assert not psutil.pid_exists(pid)


def test_data_of_another_major_version_is_not_touched(stopped: Server) -> None:
    version = stopped.cluster.data / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(LocalError, match=r"made by Postgres 17; this NextPick brings Postgres 18. .*pg_dumpall"):
            stopped.start()
    finally:
        version.write_text("18\n")


def test_a_taken_port_is_said_before_anything_starts(stopped: Server) -> None:
    with socket.socket() as holder:
        holder.bind((ports.HOST, 0))
        holder.listen()
        with pytest.raises(LocalError, match="NEXTPICK_POSTGRES_PORT"):
            postgres.start(stopped.cluster, holder.getsockname()[1], stopped.log)


def test_a_creation_that_was_killed_is_started_over(folder: Path) -> None:
    cluster = postgres.Cluster(folder / "half")
    (cluster.folder / "data.making" / "base").mkdir(parents=True)
    postgres.create(cluster, "x", durable=False)
    assert (cluster.data / "PG_VERSION").read_text() == "18\n"
