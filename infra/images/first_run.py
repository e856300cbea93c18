"""What docker-compose.yaml does once all is up: the sample, where there are no events, and the loop, where nothing is
served. It ends with exit code 1 and the last words of a task that failed.

Where people have loaded events of their own it adds none, and where a release is live it only lets the DAGs run.
"""

import os
import sys
from datetime import UTC, datetime
from time import monotonic, sleep

from nextpick.local import machine
from nextpick.local.airflow_api import AirflowApi
from nextpick.local.loop import DAGS, Loop
from nextpick.settings import load_settings
from nextpick.stages import load_sample
from nextpick.store.connection import connect

DAGS_SECONDS = 180.0


def main() -> int:
    """Load, run, and say how it goes, a line for each change; returns the exit code."""
    settings = load_settings()
    url = settings.database()
    if not machine.has_events(url):
        lines = settings.project / "data" / "sample" / "online_retail.parquet"
        with connect(url) as conn:
            load_sample.run(conn, lines, now=datetime.now(UTC))
        _say("Loaded the sample: UCI Online Retail")
    with AirflowApi(os.environ["AIRFLOW_ADDRESS"], "admin", os.environ["AIRFLOW_ADMIN_PASSWORD"]) as client:
        _await_dags(client)
        loop = Loop(client, lambda: machine.is_live(url))
        if machine.is_live(url):
            loop.unpause()
            _say("A release is live already")
            return 0
        loop.begin()
        told: list[str] = []
        while not loop.is_over():
            rows = [f"{row.name}: {row.state}" for row in loop.rows()]
            for line in rows:
                if line not in told:
                    _say(line)
            told = rows
            sleep(1)
        for failure in loop.failures():
            where = failure.task.task_id if failure.task else "the run itself"
            _say(f"{failure.run.dag_id} failed at {where}: {' '.join(failure.words[-3:])}")
    if machine.is_live(url):
        _say("A release is live: the README's curl answers")
        return 0
    return 1


def _await_dags(client: AirflowApi) -> None:
    end = monotonic() + DAGS_SECONDS
    while missing := set(DAGS) - client.dags():
        if monotonic() > end:
            sys.exit(f"Airflow has not read {', '.join(sorted(missing))}: {client.import_errors()}")
        sleep(1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
