"""Files beside a version's bundle: artifacts of the MLflow run that logged it."""

from pathlib import Path

from nextpick.mlflow_engine import connected
from nextpick.settings import Settings


def put(settings: Settings, mlflow_run_id: str, folder: Path, place: str) -> str:
    """Put the folder's files under `place` of the run's artifacts, and return where people see that; "" where MLflow
    is no server. Files of the same names are replaced.

    Raises: RegistryError.
    """
    with connected(settings) as client:
        run = client.get_run(mlflow_run_id)
        client.log_artifacts(mlflow_run_id, str(folder), place)
    if not settings.mlflow_address:
        return ""
    return f"{settings.mlflow_address}/#/experiments/{run.info.experiment_id}/runs/{mlflow_run_id}/artifacts/{place}"
