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
from nextpick.store import loads, showcase
from nextpick.store.connection import connect

TOP_K = 5
SHOWN = "airflow/passwords.shown"  # in the home


@dataclass(frozen=True)
class Picks:
    """A user, what the user had lately, and the API's answer."""

    user_id: str
    lately: list[str]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Data:
    """What the database holds: any events, and the sample among them."""

    events: bool
    sample: bool


def data(database_url: str) -> Data:
    """What there is to go on with."""
    with connect(database_url) as conn:
        return Data(showcase.any_events(conn), loads.shift_days(conn, loads.SAMPLE) is not None)


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


def sign_in_once(settings: Settings, secrets: Secrets) -> str:
    """Who may sign in to Airflow, with the passwords the first time; where they are kept from then on."""
    shown = settings.home / SHOWN
    if shown.exists():
        return f"passwords: airflow_admin and airflow_viewer in {settings.home}/secrets.json"
    shown.touch()
    return f"admin / {secrets.airflow_admin} or, to look only, viewer / {secrets.airflow_viewer}"


def show_rest(console: Console, settings: Settings, secrets: Secrets, found: Picks | None, there: Data) -> None:
    """The addresses, what to try, and how to end."""
    sign_in = sign_in_once(settings, secrets)
    if not there.events:
        console.print("\nThere are no events yet, so there is nothing to recommend.")
    elif found is None:
        console.print("\nNo release is live: the loop failed, or the gate refused the model. Airflow says more.")
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
    for line in _next(settings, found.user_id if found else "somebody", there):
        console.print(f"  {line}", markup=False)
    console.print("\nCtrl-C ends everything. `make run` goes on from here; `make clean` forgets it all.", markup=False)


def _next(settings: Settings, user_id: str, there: Data) -> list[str]:
    data_prep = f"{airflow.url(settings)}/dags/data_prep    trigger it, and all of the loop runs"
    if not there.events:
        return [".venv/bin/nextpick load EVENTS --items ITEMS    your data; docs/your-own-data.md says how", data_prep]
    body = f'{{"user_id": "{user_id}", "top_k": {TOP_K}}}'
    replay = ".venv/bin/nextpick replay    the held-back week as live traffic: lists, impressions and drift move"
    return [
        f"curl -s {api.url(settings)}/recommend -H 'Content-Type: application/json' -d '{body}'",
        *([replay] if there.sample else []),
        ".venv/bin/nextpick --help    what the DAGs do, without Airflow",
        data_prep,
        f"{mlflow.url(settings)}/#/models/nextpick?workflowType=machine_learning    every model so far",
    ]
