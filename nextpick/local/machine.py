"""This machine made ready: folder, ports, secrets, cluster; then everything that is to run, in order."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from nextpick.errors import LocalError
from nextpick.local import airflow, api, databases, mlflow, place, ports, postgres, remains, secrets, space
from nextpick.local.ports import HOST
from nextpick.local.programs import job, log_file
from nextpick.local.secrets import Secrets, write_private
from nextpick.local.supervisor import Program, Supervisor
from nextpick.settings import Settings
from nextpick.store import releases, showcase
from nextpick.store.connection import connect
from nextpick.store.migrate import migrate

POSTGRES = "postgres"
SAMPLE = "sample"
QUIET = {"DO_NOT_TRACK": "1", "DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
FOREIGN = ("AIRFLOW", "MLFLOW_", "_MLFLOW_")  # another installation's settings must not reach ours
POSTGRES_SETTINGS = {"log_line_prefix": "%m [%p] %u@%d ", "max_connections": "100"}


def prepare(settings: Settings, say: Callable[[str], None]) -> tuple[Secrets, postgres.Cluster]:
    """Make what must be there before anything starts, and end what a killed run left.

    Raises: LocalError where a port is taken, or where the data cannot be opened.
    """
    logs = settings.home / "logs"
    logs.mkdir(exist_ok=True)
    for log in logs.glob("*.log"):
        log.replace(log.with_suffix(".log.previous"))
    cluster = postgres.Cluster(place.cluster_folder(settings.home))
    cluster.folder.mkdir(exist_ok=True, mode=0o700)
    file = settings.home / "secrets.json"
    if cluster.data.exists() and not file.exists():
        raise LocalError(
            f"There is data in {cluster.data}, but {file}, which holds its passwords, is gone. "
            "Put back a copy of it, or forget the data with `make clean`."
        )
    known = secrets.load(file)
    if ended := remains.end(known.token, settings.home):
        say(f"Ended {ended} processes that a killed run had left")
    postgres.end_left_behind(cluster)
    for port, what, setting in (
        (settings.api_port, "the API", "NEXTPICK_API_PORT"),
        (settings.airflow_port, "Airflow", "NEXTPICK_AIRFLOW_PORT"),
        (settings.mlflow_port, "MLflow", "NEXTPICK_MLFLOW_PORT"),
        (settings.postgres_port, "Postgres", "NEXTPICK_POSTGRES_PORT"),
    ):
        ports.require_free(port, what, setting)
    space.require((settings.home, cluster.folder), space.AGAIN if cluster.data.exists() else space.FIRST)
    if not cluster.data.exists():
        say(f"Making a Postgres cluster in {cluster.folder}")
    postgres.create(cluster, known.postgres)
    return known, cluster


def start(
    supervisor: Supervisor,
    settings: Settings,
    prepared: tuple[Secrets, postgres.Cluster],
    say: Callable[[str], None],
    *,
    sample: bool,
) -> bool:
    """Start all programs, and return before they are ready whether a release is there to be served.

    Where one is, the API comes first and alone, so that it answers in seconds. With `sample` that is loaded where there
    are no events yet.
    """
    known, cluster = prepared
    log = log_file(settings, POSTGRES)
    launch = partial(postgres.start, cluster, settings.postgres_port, log, POSTGRES_SETTINGS, tied=True)
    supervisor.add(Program(POSTGRES, launch, log, close=postgres.stop))
    supervisor.wait(lambda: supervisor.is_ready(POSTGRES))
    databases.ensure(settings.postgres_port, known)
    url = databases.url(settings.postgres_port, "nextpick", known)
    base = _environment(settings, known, url)
    migrated = databases.version(settings.postgres_port, "airflow", known) == _airflow_version()
    airflow.configure(settings, known)
    given = airflow.environment(base, settings, known)
    if not migrated:  # the first time; it takes long, so meanwhile the rest
        supervisor.add(replace(airflow.migration(settings, given), done=partial(_note_migration, settings, known)))
        supervisor.tick()
    migrate(url)
    served = is_live(url)
    supervisor.add(api.program(settings, base))
    if served:
        supervisor.wait(lambda: supervisor.is_settled(api.NAME))
    after = () if migrated else (airflow.DATABASE,)
    for program in (*airflow.services(settings, given, after), mlflow.program(settings, base, known)):
        supervisor.add(program)
    if sample and not has_events(url):
        load = job(settings, SAMPLE, ("nextpick", "load", "--sample"), base)
        supervisor.add(replace(load, done=lambda: say(f"Loaded the {load.log.read_text().strip()}")))
    return served


def has_events(url: str) -> bool:
    """Whether there is anything to learn from."""
    with connect(url) as conn:
        return showcase.any_events(conn)


def is_live(url: str) -> bool:
    """Whether a release is served."""
    with connect(url) as conn:
        return releases.live(conn) is not None


def _note_migration(settings: Settings, known: Secrets) -> None:
    """In the data itself, so that the next start need not look."""
    databases.note_version(settings.postgres_port, "airflow", known, _airflow_version())


def _airflow_version() -> str:
    return version("apache-airflow-core")


def _environment(settings: Settings, known: Secrets, url: str) -> Mapping[str, str]:
    """What every program gets; what commands in other terminals need is written to local.env: addresses and no ports,
    so that the next run listens where it is told."""
    found = {"NEXTPICK_DATABASE_URL": url, "NEXTPICK_MLFLOW_URL": mlflow.url(settings)}
    told = {"NEXTPICK_LOCAL_API_URL": api.url(settings), "NEXTPICK_LOCAL_AIRFLOW_URL": airflow.url(settings)}
    if afar := os.environ.get("NEXTPICK_AIRFLOW_URL"):  # how people reach it, for links that are made elsewhere
        told["NEXTPICK_AIRFLOW_URL"] = afar
    lines = "".join(f"{name}={value}\n" for name, value in {**found, **told}.items())
    write_private(settings.home / "local.env", f"# Written by every `make run`.\n{lines}")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    direct = ",".join(filter(None, (inherited.get("NO_PROXY"), HOST, "localhost")))
    return {
        "OPENBLAS_NUM_THREADS": "1",
        **inherited,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        **QUIET,
        **remains.environment(known.token, settings.home),
        "NEXTPICK_PROJECT": str(settings.project),
        "NEXTPICK_HOME": str(settings.home),
        **found,
    }
