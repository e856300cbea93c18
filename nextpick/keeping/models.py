"""What goes in MLflow: versions of the model beyond the newest, and the runs nobody needs.

A run's files go first, then the run, which MLflow only marks deleted: `mlflow gc` removes the rows it leaves.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from nextpick.keeping.freed import Freed
from nextpick.mlflow_engine import (
    ABSENT,
    MlflowClient,
    MlflowException,
    Run,
    Version,
    connected,
    remove_files,
    size_of,
)
from nextpick.registry import CHALLENGER, CHAMPION, NAME
from nextpick.settings import Settings

TUNING = "nextpick tuning"
_PARENT = "mlflow.parentRunId"
_PAGE = 1000


@dataclass(frozen=True)
class Kept:
    """Versions that stay: their numbers, their bundles, the runs that logged them, and the data they name. Of those
    that were only rejected the number alone stays, lest they come back. Nothing from before `horizon` should stay;
    `late` are the versions that do, being in use."""

    versions: frozenset[str]
    bundles: frozenset[str]
    runs: frozenset[str]
    data: frozenset[str]
    horizon: datetime
    late: tuple[str, ...]


def kept(settings: Settings, newest: int, in_use: frozenset[str], horizon: datetime) -> Kept:
    """The challenger and the `newest` versions, none from before `horizon`; champion and those in use in any case.

    Raises: RegistryError.
    """
    with connected(settings) as client:
        aliases, every = _aliases(client), _versions(client)
    old = {str(version.version) for version in every if version.creation_timestamp < horizon.timestamp() * 1000}
    wanted = in_use | {version for alias, version in aliases.items() if alias == CHAMPION}
    fresh = {str(version.version) for version in every[:newest]} | set(aliases.values())
    stay = [version for version in every if str(version.version) in wanted | (fresh - old)]
    rejected = [version for version in every if version.tags.get("rejected")]
    return Kept(
        versions=frozenset(str(version.version) for version in [*stay, *rejected]),
        bundles=frozenset(version.tags["bundle_sha256"] for version in stay),
        runs=frozenset(str(version.run_id) for version in stay),
        data=frozenset(version.tags["data_md5"] for version in stay if "data_md5" in version.tags),
        horizon=horizon,
        late=tuple(sorted(wanted & old)),
    )


def remove(settings: Settings, stay: Kept, newest: int, dry: bool) -> Freed:
    """Remove the other versions, then runs beyond the `newest` of each experiment that logged no bundle that stays.

    Raises: RegistryError.
    """
    freed = Freed()
    with connected(settings) as client:
        for version in _versions(client):
            if str(version.version) not in stay.versions:
                if not dry:
                    client.delete_model_version(NAME, str(version.version))
                freed.add(f"version {version.version}")
        for name in (NAME, TUNING):
            for run in _old_runs(client, name, newest, stay):
                freed.add(f"run {run.info.run_name}", size_of(client, run.info.run_id))
                if not dry:
                    remove_files(settings, run)
                    client.delete_run(run.info.run_id)
    return freed


def lock_file(settings: Settings, run_id: str) -> str:
    """The dvc.lock that a run logged, or nothing where it has none. Raises: RegistryError."""
    with connected(settings) as client, TemporaryDirectory() as folder:
        if not any(file.path == "dvc.lock" for file in client.list_artifacts(run_id)):
            return ""
        return Path(client.download_artifacts(run_id, "dvc.lock", folder)).read_text()


def _aliases(client: MlflowClient) -> dict[str, str]:
    try:
        named = client.get_registered_model(NAME).aliases
    except MlflowException as error:
        if error.error_code != ABSENT:
            raise
        return {}
    return {alias: str(named[alias]) for alias in (CHAMPION, CHALLENGER) if alias in named}


def _versions(client: MlflowClient) -> list[Version]:
    """All versions, newest first."""
    found: list[Version] = []
    token = None
    while True:
        page = client.search_model_versions(
            f"name = '{NAME}'", max_results=_PAGE, order_by=["version_number DESC"], page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def _old_runs(client: MlflowClient, name: str, newest: int, stay: Kept) -> list[Run]:
    """Runs of an experiment but the newest that stand alone or above others, those that stay, and those below one."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return []
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], max_results=_PAGE, order_by=["attributes.start_time DESC"], page_token=token
        )
        found += page
        token = page.token
        if not token:
            break
    fresh = [run for run in found if run.info.start_time >= stay.horizon.timestamp() * 1000]
    above = [run.info.run_id for run in fresh if _PARENT not in run.data.tags]
    whole = stay.runs | set(above[:newest])
    return [run for run in found if run.data.tags.get(_PARENT, run.info.run_id) not in whole]
