"""Airflow on one machine: its configuration, its database, and its four processes.

Airflow's log servers are not started: they would listen on every address, and here the pages read the log files
themselves.
"""

import json
import os
from collections.abc import Mapping
from configparser import RawConfigParser
from functools import partial
from io import StringIO
from pathlib import Path

import httpx

from nextpick.local import databases
from nextpick.local.ports import HOST
from nextpick.local.programs import client, job, service
from nextpick.local.secrets import Secrets, write_private
from nextpick.local.supervisor import Program
from nextpick.settings import Settings

ROLES = {"admin": "admin", "viewer": "viewer"}  # a viewer reads, and cannot trigger
DATABASE = "airflow database"
SERVICES = {  # name: how Airflow's health report calls it
    "airflow api-server": "metadatabase",
    "airflow scheduler": "scheduler",
    "airflow dag-processor": "dag_processor",
    "airflow triggerer": "triggerer",
}
WITH_LOG_SERVER = {"airflow scheduler", "airflow triggerer"}
NO_PORT = "1"  # where nothing listens: asking for a log server fails at once (0 would become 80)


def configure(settings: Settings, secrets: Secrets) -> Path:
    """Write AIRFLOW_HOME anew, readable for us alone, and return it. `airflow` commands work with it, too."""
    folder = settings.home / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    passwords = {"admin": secrets.airflow_admin, "viewer": secrets.airflow_viewer}
    write_private(folder / "passwords.json", json.dumps(passwords))
    text = RawConfigParser()
    for section, options in _options(settings, secrets, folder).items():
        text[section] = {name: value.replace("%", "%%") for name, value in options.items()}
    written = StringIO()
    text.write(written)
    write_private(
        folder / "airflow.cfg", "# Written by every `make run`; what you change here is lost.\n" + written.getvalue()
    )
    return folder


def _options(settings: Settings, secrets: Secrets, folder: Path) -> dict[str, dict[str, str]]:
    """What differs from Airflow's defaults, by section."""
    address = url(settings)
    database = databases.url(settings.postgres_port, "airflow", secrets)
    return {
        "core": {
            "dags_folder": str(settings.project / "dags"),
            "plugins_folder": str(settings.project / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": str(max(2, min(os.cpu_count() or 2, 4))),
            "execution_api_server_url": f"{address}/execution/",
            "fernet_key": secrets.airflow_fernet,
            "hostname_callable": "socket.gethostname",  # the default asks the network's name servers
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in ROLES.items()),
            "simple_auth_manager_passwords_file": str(folder / "passwords.json"),
        },
        "database": {"sql_alchemy_conn": database.replace("postgresql://", "postgresql+psycopg://")},
        "api": {
            "host": HOST,
            "port": str(settings.airflow_port),
            "workers": "1",
            "base_url": address,
            "secret_key": secrets.airflow_session,
            "instance_name": "NextPick",
        },
        "api_auth": {"jwt_secret": secrets.airflow_jwt},
        "logging": {
            "base_log_folder": str(folder / "logs"),
            "worker_log_server_port": NO_PORT,
            "trigger_log_server_port": NO_PORT,
        },
        # a task that Airflow starts over as soon as it is up must not fail because its API server is still starting
        "workers": {"execution_api_retries": "20", "execution_api_retry_wait_max": "5"},
        "dag_processor": {"refresh_interval": "30", "min_file_process_interval": "30", "parsing_processes": "1"},
    }


def environment(base: Mapping[str, str], settings: Settings, secrets: Secrets) -> dict[str, str]:
    """What Airflow's processes and the tasks in them get: `base`, the configuration, and the tasks' connection."""
    return {
        **base,
        "AIRFLOW_HOME": str(settings.home / "airflow"),
        "AIRFLOW_CONN_NEXTPICK_DB": databases.url(settings.postgres_port, "nextpick", secrets),
    }


def migration(settings: Settings, given: Mapping[str, str]) -> Program:
    """Brings Airflow's database to what its code expects; its services come after it."""
    return job(settings, DATABASE, ("airflow", "db", "migrate"), given)


def services(settings: Settings, given: Mapping[str, str], after: tuple[str, ...]) -> list[Program]:
    """The four that stay."""
    found = []
    for name, part in SERVICES.items():
        words = ("airflow", name.removeprefix("airflow "), *(("--skip-serve-logs",) if name in WITH_LOG_SERVER else ()))
        found.append(service(settings, name, words, given, partial(_is_healthy, settings, part), after))
    return found


def url(settings: Settings) -> str:
    """Of Airflow's pages and REST API."""
    return f"http://{HOST}:{settings.airflow_port}"


def _is_healthy(settings: Settings, part: str) -> bool:
    try:
        report = client().get(f"{url(settings)}/api/v2/monitor/health").json()
        return bool((report.get(part) or {}).get("status") == "healthy")
    except (httpx.HTTPError, ValueError):
        return False
