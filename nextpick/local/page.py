"""What the run prints when all is up: a real user's recommendations, the addresses, and where to look next."""

from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from nextpick.errors import LocalError
from nextpick.local import airflow, api, mlflow
from nextpick.local.loop import Failure
from nextpick.local.ports import HOST
from nextpick.local.secrets import Secrets
from nextpick.settings import Settings
from nextpick.store import showcase
from nextpick.store.connection import connect

TOP_K = 5
SHOWN = "airflow/passwords.shown"  # in the home


@dataclass(frozen=True)
class Picks:
    """A user, what the user had lately, and the API's answer."""

    user_id: str
    lately: list[str]
    answer: dict[str, Any]


def picks(settings: Settings, database_url: str) -> Picks:
    """Ask the running API for the user who did something last. Raises: LocalError with the API's own words."""
    with connect(database_url) as conn:
        user_id = showcase.newest_user(conn)
        lately = showcase.last_titles(conn, user_id or "", TOP_K)
    try:
        answer = httpx.post(
            f"{api.url(settings)}/recommend", json={"user_id": user_id or "nobody", "top_k": TOP_K}, timeout=10
        )
    except httpx.HTTPError as error:
        raise LocalError(f"The API does not answer: {error}. See {settings.home}/logs/api.log.") from None
    if answer.is_error:
        raise LocalError(f"The API answered {answer.status_code}: {answer.json().get('detail', answer.text)}")
    return Picks(user_id or "nobody", lately, answer.json())


def show(console: Console, settings: Settings, secrets: Secrets, found: Picks | None) -> None:
    """The whole page. Airflow's passwords are on it once, on the first one."""
    shown = settings.home / SHOWN
    if found is None:
        console.print("\nNo release is live: the loop failed, or the gate refused the model. Airflow says more.")
    else:
        _show_picks(console, found)
    _show_addresses(console, settings, secrets, passwords=not shown.exists())
    shown.touch()
    _show_next(console, settings, found.user_id if found else "somebody")


def _show_picks(console: Console, found: Picks) -> None:
    """The list, with titles and reasons."""
    answer = found.answer
    console.print(f"\n[bold]For user {found.user_id}[/], re-scored now (model {answer['model_version']}):\n")
    console.print(f"  had lately: {'; '.join(title.strip() for title in found.lately)}\n", markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    for item in answer["items"]:
        table.add_row(f"  {item['rank']}", item["item_id"], item["title"].strip(), item["reason"], style=None)
    console.print(table, markup=False)


def show_failures(console: Console, failures: list[Failure], settings: Settings) -> None:
    """Which task failed, what it said last, and where all of it stands."""
    for failure in failures:
        run, task = failure.run, failure.task
        if task is None:
            console.print(f"\n[red]The DAG {run.dag_id} failed[/] without a task that did: see its run in Airflow.")
            continue
        console.print(f"\n[red]The task {task.task_id} of the DAG {run.dag_id} failed[/] (attempt {task.attempt}):")
        for line in failure.words:
            console.print(f"    {line}", markup=False)
        where = f"dag_id={run.dag_id}/run_id={run.run_id}/task_id={task.task_id}"
        console.print(f"  All of it: {settings.home}/airflow/logs/{where}/", markup=False)
        console.print(f"  In Airflow: {airflow.url(settings)}/dags/{run.dag_id}/runs/{run.run_id}", markup=False)


def _show_addresses(console: Console, settings: Settings, secrets: Secrets, *, passwords: bool) -> None:
    """Where everything is. Airflow's passwords are shown where asked for, which is once."""
    sign_in = (
        f"admin / {secrets.airflow_admin}, or to look only: viewer / {secrets.airflow_viewer}"
        if passwords
        else f"admin or viewer; passwords: airflow_* in {settings.home}/secrets.json"
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    table.add_row("  API", f"{api.url(settings)}/docs", "open to this machine")
    table.add_row("  Airflow", airflow.url(settings), sign_in)
    table.add_row("  MLflow", mlflow.url(settings), "open to this machine")
    table.add_row("  Postgres", f"{HOST}:{settings.postgres_port}", f"its URL: {settings.home}/local.env")
    table.add_row("  Logs", f"{settings.home}/logs", "one file a program")
    console.print("\n[bold]Addresses[/]\n")
    console.print(table, markup=False)


def _show_next(console: Console, settings: Settings, user_id: str) -> None:
    """What to try, and how to end."""
    body = f'{{"user_id": "{user_id}", "top_k": {TOP_K}}}'
    console.print("\n[bold]Next[/]\n")
    for line in (
        f"curl -s {api.url(settings)}/recommend -H 'Content-Type: application/json' -d '{body}'",
        ".venv/bin/nextpick replay      the held-back week as live traffic: watch lists, impressions and drift move",
        f"{airflow.url(settings)}/dags/retrain      trigger it, read what each task said",
        ".venv/bin/nextpick --help      the same without Airflow",
    ):
        console.print(f"  {line}", markup=False)
    console.print("\nCtrl-C ends everything. `make run` goes on from here; `make clean` forgets it.", markup=False)
