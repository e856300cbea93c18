"""What the run asks of Airflow's REST API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx

from nextpick.errors import LocalError

FINISHED = frozenset({"success", "failed"})
PAGE = 100


@dataclass(frozen=True)
class Run:
    """One run of a DAG; `seconds` since its start, up to its end or to now."""

    dag_id: str
    run_id: str
    state: str
    seconds: float


@dataclass(frozen=True)
class Task:
    """One task of a run. `attempt` counts from 1; `map_index` is -1 for a task that is not mapped."""

    task_id: str
    state: str
    attempt: int
    map_index: int


class AirflowApi:
    """A signed-in client. Raises: LocalError where Airflow refuses, httpx.TransportError where it is away."""

    def __init__(self, url: str, user: str, password: str, seconds: float = 30.0) -> None:
        self._client = httpx.Client(base_url=url, timeout=seconds, trust_env=False)
        token = self._ask("POST", "/auth/token", {"username": user, "password": password})["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> "AirflowApi":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def dags(self) -> set[str]:
        """The ids of the DAGs Airflow has read so far."""
        return {dag["dag_id"] for dag in self._get("/dags", limit=PAGE)["dags"]}

    def import_errors(self) -> list[str]:
        """`file: last line` of each DAG file that cannot be read."""
        errors = self._get("/importErrors", limit=PAGE)["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def unpause(self, dag_id: str) -> None:
        """Let its runs run."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        """Start a run with the DAG's own defaults and return its id."""
        return str(self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def runs(self) -> list[Run]:
        """The newest runs of all DAGs, newest first."""
        rows = self._get("/dags/~/dagRuns", limit=PAGE, order_by="-id")["dag_runs"]
        return [Run(row["dag_id"], row["dag_run_id"], row["state"], _seconds(row)) for row in rows]

    def tasks(self, run: Run) -> list[Task]:
        """A run's tasks; one that has no state yet is "waiting"."""
        rows = self._get(f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances", limit=PAGE)["task_instances"]
        return [
            Task(row["task_id"], row["state"] or "waiting", max(row["try_number"], 1), row["map_index"]) for row in rows
        ]

    def last_words(self, run: Run, task: Task, lines: int = 8) -> list[str]:
        """The end of a task's log: what failed, and what was said just before."""
        where = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task.task_id}/logs/{task.attempt}"
        content = self._get(where, map_index=task.map_index)["content"]
        words = [line for entry in content for line in _words(entry)]
        failed = [number for number, line in enumerate(words) if line.startswith("Task failed")]
        return words[: failed[-1] + 3][-lines:] if failed else words[-lines:]

    def _get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", f"/api/v2{path}", query=query)

    def _ask(self, verb: str, path: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        response = self._client.request(verb, path, json=body, params=query)
        if response.is_error:
            raise LocalError(
                f"Airflow answered {verb} {path} with {response.status_code}: {response.text[:300]}. "
                "Its own log is .nextpick/logs/airflow-api-server.log."
            )
        return response.json()


def _seconds(row: dict[str, Any]) -> float:
    if row["start_date"] is None:
        return 0.0
    end = datetime.fromisoformat(row["end_date"]) if row["end_date"] else datetime.now(UTC)
    return (end - datetime.fromisoformat(row["start_date"])).total_seconds()


def _words(entry: dict[str, Any]) -> list[str]:
    """The lines of one log entry that a person wants to see."""
    event = str(entry.get("event", ""))
    if event.startswith(("::group::", "::endgroup::")):
        return []
    causes = [f"{error['exc_type']}: {error['exc_value']}" for error in reversed(entry.get("error_detail") or [])]
    return [*event.strip().splitlines(), *causes]
