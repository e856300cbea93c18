"""How a run of a DAG is told while it goes."""

from typing import Any

import pytest

from nextpick.local.airflow_api import Run, Task
from nextpick.local.loop import Loop


class Api:
    """An Airflow in which precompute is at work on these tasks."""

    def __init__(self, *tasks: Task) -> None:
        self._tasks = list(tasks)

    def runs(self) -> list[Run]:
        return [Run("precompute", "r1", "running", 2.0)]

    def tasks(self, _: Run) -> list[Task]:
        return self._tasks


def filling(number: int, state: str, attempt: int = 1) -> Task:
    return Task("fill", state, attempt, number)


@pytest.mark.parametrize(
    ("fills", "told"),
    [
        (["running"], "1 of 2 tasks done; fill"),
        (["running", "running", "success", "queued"], "2 of 5 tasks done; fill (2 at once)"),
        (["running", "running", "up_for_retry"], "1 of 4 tasks done; fill (2 at once), fill up for retry"),
    ],
)
def test_tasks_of_one_name_are_counted_and_not_listed(fills: list[str], told: str) -> None:
    api: Any = Api(Task("plan", "success", 1, -1), *(filling(n, state) for n, state in enumerate(fills)))
    rows = {row.name: row for row in Loop(api, lambda: False).rows()}
    assert rows["precompute"].detail == told
