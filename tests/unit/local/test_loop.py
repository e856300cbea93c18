"""How a run of a DAG is told while it goes."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from nextpick.local import loop, ports, secrets
from nextpick.local.airflow_api import Run, Task
from nextpick.local.loop import Loop
from nextpick.settings import Settings


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


def test_another_terminal_is_told_what_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def sign_in(*who: object) -> Any:
        asked.append(who)
        return nullcontext(Api(Task("plan", "success", 1, -1), filling(0, "running")))

    monkeypatch.setattr(loop, "AirflowApi", sign_in)
    people_see = "https://airflow.example.com"  # where no password of ours is sent
    settings = Settings(home=tmp_path, airflow_url=people_see, local_airflow_url="http://127.0.0.1:9001")
    assert loop.under_way(settings) == []  # no `make run` was ever here
    known = secrets.load(tmp_path / "secrets.json")
    (row,) = loop.under_way(settings)
    assert (row.name, row.state, row.detail, row.seconds) == ("precompute", "running", "1 of 2 tasks done; fill", 2.0)
    assert asked == [("http://127.0.0.1:9001", "viewer", known.airflow_viewer, loop.ASIDE_SECONDS)]


def test_an_airflow_that_is_away_has_nothing_under_way(tmp_path: Path) -> None:
    secrets.load(tmp_path / "secrets.json")
    assert loop.under_way(Settings(home=tmp_path, local_airflow_url=f"http://127.0.0.1:{ports.free()}")) == []
