"""A search in MLflow: one run for the search, one within it for each trial. An experiment of its own holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time

from nextpick.mlflow_engine import Metric, MlflowClient, Param, connected, experiment
from nextpick.settings import Settings
from nextpick.tuning.study import Tried

EXPERIMENT = "nextpick tuning"
_PARENT = "mlflow.parentRunId"  # MLflow's own name, by which its page nests runs
_STATUS = {"tried": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def begin(settings: Settings, name: str, about: Mapping[str, str]) -> str:
    """The id of the search's run: the one it has already, or a new one. Raises: RegistryError."""
    with connected(settings) as client:
        place = experiment(client, settings, EXPERIMENT)
        known = client.search_runs([place], f"tags.search = '{name}'", max_results=1)
        run = known[0] if known else client.create_run(place, tags={"search": name, **about}, run_name=name)
        client.update_run(run.info.run_id, status="RUNNING")
        return str(run.info.run_id)


def add(settings: Settings, parent: str, tried: Tried, metric: str) -> None:
    """Log one trial, with every value it was tried with; what it showed on some windows only goes by another name.

    Raises: RegistryError.
    """
    with connected(settings) as client:
        place = client.get_run(parent).info.experiment_id
        tags = {_PARENT: parent, "varied": tried.block}
        run_id = client.create_run(place, tags=tags, run_name=f"{tried.number} {tried.block}").info.run_id
        params = [Param(name, str(value)) for name, value in tried.values.items()]
        whole = metric if tried.state == "tried" else f"{metric}_of_{tried.windows}_newest"
        client.log_batch(run_id, _metrics({whole: tried.worth}, 0), params)
        client.set_terminated(run_id, _STATUS[tried.state])
        _best_so_far(client, parent, tried, metric)


def end(settings: Settings, parent: str, figures: Mapping[str, float], files: Sequence[Path]) -> None:
    """Log what the search found. Raises: RegistryError."""
    with connected(settings) as client:
        client.log_batch(parent, _metrics(figures, 0))
        for file in files:
            client.log_artifact(parent, str(file))
        client.set_terminated(parent)


def _best_so_far(client: MlflowClient, parent: str, tried: Tried, metric: str) -> None:
    """A curve of the search: each trial's figure at its number."""
    if tried.state == "tried":
        client.log_batch(parent, _metrics({metric: tried.worth}, tried.number))


def _metrics(figures: Mapping[str, float], step: int) -> list[Metric]:
    now = int(time() * 1000)
    return [Metric(name, value, now, step) for name, value in figures.items() if value == value]  # NaN is no figure
