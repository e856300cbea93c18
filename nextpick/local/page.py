"""What the run prints when all is up: a real user's recommendations, the addresses, and where to look next."""

from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console

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
    """Ask the running API for a regular. Raises: LocalError with the API's own words."""
    with connect(database_url) as conn:
        user_id = showcase.regular(conn)
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


def show_picks(console: Console, found: Picks) -> None:
    """The list, with titles and reasons."""
    answer = found.answer
    console.print(f"\n[bold]For user {found.user_id}[/], re-scored now (model {answer['model_version']}):\n")
    console.print(f"  had lately  {'; '.join(title.strip() for title in found.lately)}\n", markup=False)
    wide = max((len(item["title"].strip()) for item in answer["items"]), default=0)
    for item in answer["items"]:
        line = f"  {item['rank']}  {item['item_id']:<8}  {item['title'].strip():<{wide}}  {item['reason']}"
        console.print(line, markup=False)
    console.print()


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


def show_rest(console: Console, settings: Settings, secrets: Secrets, found: Picks | None) -> None:
    """The addresses, what to try, and how to end. Airflow's passwords are shown once, on the first page."""
    shown = settings.home / SHOWN
    sign_in = (
        f"passwords: airflow_admin and airflow_viewer in {settings.home}/secrets.json"
        if shown.exists()
        else f"admin / {secrets.airflow_admin} or, to look only, viewer / {secrets.airflow_viewer}"
    )
    if found is None:
        console.print("\nNo release is live: the loop failed, or the gate refused the model. Airflow says more.")
    user_id = found.user_id if found else "somebody"
    body = f'{{"user_id": "{user_id}", "top_k": {TOP_K}}}'
    console.print("\n[bold]Addresses[/], all on this machine\n")
    for name, where, more in (
        ("API", f"{api.url(settings)}/docs", "no key needed from here"),
        ("Airflow", airflow.url(settings), sign_in),
        ("MLflow", mlflow.url(settings), "runs, and the model nextpick"),
        ("Postgres", f"{HOST}:{settings.postgres_port}", f"its URL is in {settings.home}/local.env"),
        ("Logs", f"{settings.home}/logs", "a file a program"),
    ):
        console.print(f"  {name:<9} {where:<28}  {more}", markup=False)
    console.print("\n[bold]Next[/]\n")
    for line in (
        f"curl -s {api.url(settings)}/recommend -H 'Content-Type: application/json' -d '{body}'",
        ".venv/bin/nextpick replay    the held-back week as live traffic: lists, impressions and drift move",
        ".venv/bin/nextpick --help    what the DAGs do, without Airflow",
        f"{airflow.url(settings)}/dags/retrain    trigger it; its page says what it does",
    ):
        console.print(f"  {line}", markup=False)
    console.print("\nCtrl-C ends everything. `make run` goes on from here; `make clean` forgets it all.", markup=False)
    shown.touch()
