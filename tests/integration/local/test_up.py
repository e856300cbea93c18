"""The real thing, small: all programs under the supervisor, with DAGs that do next to nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import httpx
import psutil
import pytest

from nextpick.local import place, ports, remains, secrets
from tests.conftest import FOLDER
from tests.integration.local import tiny

NAMES = ("API", "AIRFLOW", "MLFLOW", "POSTGRES")
COMMAND = [sys.executable, "-m", "nextpick"]
T = TypeVar("T")


@dataclass
class Up:
    home: Path
    ports: dict[str, int]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"
    output: Path
    before: "subprocess.CompletedProcess[str]"  # the first run of all, without the sample

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def each(self, look: Callable[[psutil.Process], T]) -> list[T]:
        """What a look at every process gives, of those that live until it: tasks come and go at any moment."""
        found = []
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):  # or a zombie
                found.append(look(process))
        return found

    def until(self, done: Callable[[], bool], seconds: float = 120) -> None:
        end = monotonic() + seconds
        while not done():
            assert self.process.poll() is None, self.output.read_text()
            assert monotonic() < end, self.output.read_text()
            sleep(0.2)

    def airflow(self, user: str) -> httpx.Client:
        known = secrets.load(self.home / "secrets.json")
        login = {"username": user, "password": getattr(known, f"airflow_{user}")}
        token = httpx.post(self.url("AIRFLOW", "/auth/token"), json=login).json()["access_token"]
        return httpx.Client(base_url=self.url("AIRFLOW", ""), headers={"Authorization": f"Bearer {token}"})


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="up-", dir=os.environ[FOLDER]))
    tiny.make(folder / "project")
    found = {name: ports.free() for name in NAMES}
    environment = {
        **os.environ,
        "NEXTPICK_PROJECT": str(folder / "project"),
        "NEXTPICK_HOME": str(folder / "home"),
        **{f"NEXTPICK_{name}_PORT": str(port) for name, port in found.items()},
    }
    first = [*COMMAND, "up", "--no-sample", "--once"]
    before = subprocess.run(first, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen([*COMMAND, "up"], env=environment, stdout=out, stderr=out)
    started = Up(folder / "home", found, environment, process, output, before)
    try:
        started.until(lambda: "Ctrl-C ends everything" in output.read_text())
        yield started
    finally:
        process.kill()
        process.wait()
        subprocess.run([*COMMAND, "clean"], env=environment, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


def test_without_the_sample_all_is_up_and_waits_for_events(up: Up) -> None:
    assert up.before.returncode == 0, up.before.stdout
    assert "There are no events yet" in up.before.stdout
    assert "data_prep:" not in up.before.stdout


def test_a_failed_task_is_shown_with_its_last_words_and_its_log(up: Up) -> None:
    output = up.output.read_text()
    assert "The task step of the DAG precompute failed (attempt 1):" in output
    assert "a word before" in output
    assert "ValueError: 42" in output
    log = re.search(r"All of it: (.*)", output)
    assert log is not None
    assert list(Path(log.group(1)).glob("*.log"))


def test_every_socket_listens_on_this_machine_alone(up: Up) -> None:
    listening = [
        socket.laddr
        for sockets in up.each(lambda process: process.net_connections("inet"))
        for socket in sockets
        if socket.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == set(up.ports.values())


def test_no_secret_is_on_a_command_line(up: Up) -> None:
    known = asdict(secrets.load(up.home / "secrets.json")).values()
    commands = up.each(lambda process: " ".join(process.cmdline()))
    assert len(commands) > 8
    assert [command for command in commands if any(secret in command for secret in known)] == []


def test_every_file_with_a_secret_is_its_owners_alone(up: Up) -> None:
    known = asdict(secrets.load(up.home / "secrets.json")).values()
    files = [file for file in up.home.rglob("*") if file.is_file() and not file.is_relative_to(up.home / "postgres")]
    telling = [file for file in files if any(secret.encode() in file.read_bytes() for secret in known)]
    assert {file.name for file in telling} == {"secrets.json", "local.env", "airflow.cfg", "passwords.json"}
    assert {file.stat().st_mode & 0o777 for file in telling} == {0o600}


def test_a_viewer_reads_and_cannot_trigger(up: Up) -> None:
    run = {"logical_date": None}
    with up.airflow("viewer") as viewer, up.airflow("admin") as admin:
        assert viewer.get("/api/v2/dags").json()["total_entries"] == 4
        assert viewer.post("/api/v2/dags/retrain/dagRuns", json=run).status_code == 403
        assert admin.post("/api/v2/dags/retrain/dagRuns", json=run).status_code == 200
    assert httpx.get(up.url("AIRFLOW", "/api/v2/dags")).status_code == 401


def test_the_passwords_of_airflow_are_printed_once(up: Up) -> None:
    known = secrets.load(up.home / "secrets.json")
    whole = f"admin / {known.airflow_admin} or, to look only, viewer / {known.airflow_viewer}"
    assert f"Airflow is up: {up.url('AIRFLOW', '')}  {whole}" in up.before.stdout
    assert up.before.stdout.count(known.airflow_admin) == 1
    assert "passwords: airflow_admin and airflow_viewer in" in up.before.stdout  # beside the addresses, at the end
    later = up.output.read_text()
    assert known.airflow_admin not in later  # once
    assert later.index("Airflow is up: ") < later.index("data_prep: ")  # the loop is there to be watched


def test_the_pages_of_airflow_and_mlflow_answer_and_the_api_needs_no_key(up: Up) -> None:
    assert httpx.get(up.url("AIRFLOW", "/"), follow_redirects=True).status_code == 200
    assert httpx.get(up.url("MLFLOW", "/")).status_code == 200
    asked = httpx.post(up.url("API", "/recommend"), json={"user_id": "1"})
    assert asked.status_code == 503
    assert "Publish one" in asked.json()["detail"]


def test_other_terminals_find_the_database_in_local_env(up: Up) -> None:
    found = dict(line.split("=", 1) for line in (up.home / "local.env").read_text().splitlines()[1:])
    assert not [name for name in found if name.endswith("_PORT")]  # the next run listens where it is told
    assert found["NEXTPICK_LOCAL_API_URL"] == up.url("API", "")
    assert found["NEXTPICK_LOCAL_AIRFLOW_URL"] == up.url("AIRFLOW", "")
    assert found["NEXTPICK_DATABASE_URL"].endswith(f"@127.0.0.1:{up.ports['POSTGRES']}/nextpick")
    assert found["NEXTPICK_MLFLOW_URL"] == up.url("MLFLOW", "")


@pytest.mark.parametrize("command", ["up", "clean"])
def test_a_second_run_and_a_clean_say_that_one_is_alive(up: Up, command: str) -> None:
    done = subprocess.run([*COMMAND, command], env=up.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"Nothing was \w+: a `make run` \(process {up.process.pid}, since", done.stderr)


def test_a_service_that_dies_is_brought_back(up: Up) -> None:
    commands = up.each(lambda process: (process, process.cmdline()))
    next(process for process, words in commands if "serving.app:create_app" in words).kill()
    up.until(lambda: "api ended (signal 9); it is started again in 1 s" in up.output.read_text())
    again = up.url("API", "/health/live")

    def is_back() -> bool:
        try:
            return httpx.get(again).is_success
        except httpx.TransportError:
            return False

    up.until(is_back)


def test_ctrl_c_ends_all_of_it_postgres_last(up: Up) -> None:
    token = json.loads((up.home / "secrets.json").read_text())["token"]
    everything = up.tree()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 1  # the loop had failed
    said = [line[8:] for line in up.output.read_text().splitlines()]
    assert [line.startswith("Stopping ") for line in said].count(True) == 2  # all the others, of which some are slow
    assert said[-2:] == ["Stopping postgres", "All has ended"]
    assert [process for process in everything if lives(process)] == []
    assert remains.find(token, up.home) == []


def test_clean_forgets_it_all(up: Up) -> None:
    data = place.owned(up.home)
    assert data is not None
    assert data.exists()
    subprocess.run([*COMMAND, "clean"], env=up.environment, check=True, capture_output=True)
    assert not up.home.exists()
    assert not data.exists()
