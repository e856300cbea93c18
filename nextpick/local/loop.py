"""The loop in Airflow, begun and followed: data_prep, which starts the others by the assets they wait for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import httpx

from nextpick.errors import LocalError
from nextpick.local import secrets
from nextpick.local.airflow_api import FINISHED, AirflowApi, Run, Task
from nextpick.local.view import Row
from nextpick.settings import Settings

DAGS = ("data_prep", "retrain", "precompute", "drift_report")
FIRST, LAST = DAGS[0], DAGS[-1]
ASIDE_SECONDS = 3.0  # of patience with an Airflow that is asked beside other things
ASK_SECONDS = 1.0
QUIET_SECONDS = 15.0  # in which Airflow begins what an asset starts
AT_WORK = ("running", "deferred", "awaiting_input", "up_for_retry", "restarting")


@dataclass(frozen=True)
class Failure:
    """A task that failed: where, and its own last words."""

    run: Run
    task: Task | None
    words: list[str]


class Loop:
    """Followed by asking, at most once a second. `is_live` says whether a release is served."""

    def __init__(self, api: AirflowApi, is_live: Callable[[], bool]) -> None:
        self._api, self._ask_live = api, is_live
        self.is_live = False
        self._before: set[str] = set()
        self._runs: list[Run] = []
        self._rows: list[Row] = []
        self._asked = 0.0
        self._busy = monotonic()

    def begin(self) -> bool:
        """Let the DAGs run; start the first one unless an earlier `make run` left one that goes on by itself.

        Returns whether a run was left. Raises: LocalError, httpx.TransportError.
        """
        self.unpause()
        known = [run for run in self._api.runs() if run.dag_id in DAGS]
        self._before = {run.run_id for run in known if run.state in FINISHED}
        left = len(self._before) < len(known)
        if not left:
            self._api.trigger(FIRST)
        self._busy = monotonic()
        return left

    def unpause(self) -> None:
        """Let the DAGs run. Raises: LocalError, httpx.TransportError."""
        for dag_id in DAGS[1:] + DAGS[:1]:
            self._api.unpause(dag_id)

    def rows(self) -> list[Row]:
        """Where each DAG stands; what Airflow last said where it does not answer at the moment."""
        if monotonic() - self._asked > ASK_SECONDS:
            self._asked = monotonic()
            try:
                self._look()
            except httpx.TransportError:
                self._busy = monotonic()
        return self._rows

    def is_over(self) -> bool:
        """A run failed, or a release is live and reported on, or nothing has happened for a while."""
        if any(run.state == "failed" for run in self._runs):
            return True
        if any(run.state not in FINISHED for run in self._runs):
            return False
        reported = any(run.dag_id == LAST for run in self._runs)
        return (reported and self.is_live) or monotonic() - self._busy > QUIET_SECONDS

    def failures(self) -> list[Failure]:
        """What failed, with the log's last words. Raises: LocalError, httpx.TransportError."""
        found = []
        for run in (run for run in self._runs if run.state == "failed"):
            failed = [task for task in self._api.tasks(run) if task.state == "failed"]
            found += [Failure(run, task, self._api.last_words(run, task)) for task in failed]
            if not failed:
                found.append(Failure(run, None, []))
        return found

    def _look(self) -> None:
        self._runs = [run for run in self._api.runs() if run.dag_id in DAGS and run.run_id not in self._before]
        if any(run.state not in FINISHED for run in self._runs):
            self._busy = monotonic()
        self._rows = [self._row(dag_id) for dag_id in DAGS]
        self.is_live = self.is_live or self._ask_live()

    def _row(self, dag_id: str) -> Row:
        """The newest run of a DAG that is under way, or else that ended."""
        runs = [run for run in self._runs if run.dag_id == dag_id]
        runs.sort(key=lambda run: run.state in FINISHED)
        if not runs:
            return Row(dag_id, "waiting")
        if runs[0].state in FINISHED:
            return Row(dag_id, runs[0].state, seconds=runs[0].seconds)
        return _under_way(self._api, runs[0])


def under_way(settings: Settings) -> list[Row]:
    """The runs that Airflow has begun and not ended, of any DAG; none where no `make run` is up to be asked."""
    kept = settings.home / "secrets.json"
    if not kept.exists():
        return []
    try:
        password = secrets.load(kept).airflow_viewer
        with AirflowApi(settings.local_airflow_address, "viewer", password, ASIDE_SECONDS) as api:
            return [_under_way(api, run) for run in api.runs() if run.state not in FINISHED]
    except (LocalError, httpx.HTTPError, ValueError, KeyError, TypeError):  # something else listens there, or nothing
        return []


def _under_way(api: AirflowApi, run: Run) -> Row:
    tasks = api.tasks(run)
    done = sum(task.state in ("success", "skipped") for task in tasks)
    words = Counter(_words(task) for task in tasks if task.state in AT_WORK)
    at_work = ", ".join(said if times == 1 else f"{said} ({times} at once)" for said, times in words.items())
    return Row(run.dag_id, run.state, f"{done} of {len(tasks)} tasks done; {at_work or '...'}", run.seconds)


def _words(task: Task) -> str:
    state = "" if task.state == "running" else f" {task.state.replace('_', ' ')}"
    return f"{task.task_id}{state}" + (f" (attempt {task.attempt})" if task.attempt > 1 else "")
