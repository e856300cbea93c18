"""The door to MLflow: the only module that imports it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextpick.errors import RegistryError
from nextpick.settings import Settings

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_CONFIGURE_LOGGING": "false"}
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}  # its own: 7 and 120 s
for _name, _value in {**_QUIET, **_PATIENCE, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}.items():
    os.environ.setdefault(_name, _value)

from mlflow import MlflowClient  # noqa: E402 - it reads the environment as it is imported
from mlflow.entities import Metric, Param, Run  # noqa: E402
from mlflow.entities.model_registry import ModelVersion as Version  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402

__all__ = [
    "ABSENT",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "Run",
    "Version",
    "connected",
    "experiment",
    "remove_files",
    "size_of",
]
ABSENT = "RESOURCE_DOES_NOT_EXIST"
_NO_SUCH_VALUE = "INVALID_PARAMETER_VALUE"  # a version that is no number


@contextmanager
def connected(settings: Settings) -> Iterator[MlflowClient]:
    """A client; what MLflow cannot do is a RegistryError that names the place, without what opens the door."""
    uri = settings.tracking_uri
    try:
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except OSError as error:
        raise RegistryError(f"Cannot use {error.filename or uri}: {error.strerror}. Is NEXTPICK_HOME right?") from None
    except MlflowException as error:
        if error.error_code in (ABSENT, _NO_SUCH_VALUE):
            raise RegistryError(f"{error.message.rstrip('.')}. `nextpick status` lists what there is.") from None
        door = re.compile(r"//[^/@]*@")  # user and password of a URL
        raise RegistryError(
            f"MLflow at {door.sub('//', uri)} cannot do what was asked: {door.sub('//', error.message)} "
            "Is it running, and is NEXTPICK_MLFLOW_URL right? What is live is served on without it."
        ) from None


def experiment(client: MlflowClient, settings: Settings, name: str) -> str:
    """The id of the experiment of that name, which is made where it is absent."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    served = settings.tracking_uri.startswith("http")  # the server knows where its artifacts go
    local = settings.home.resolve() / "mlflow" / "artifacts"
    return str(client.create_experiment(name, None if served else local.as_uri()))


def size_of(client: MlflowClient, run_id: str, path: str | None = None) -> int:
    """Bytes of a run's artifacts, or of those below `path`."""
    found = client.list_artifacts(run_id, path)
    return sum(size_of(client, run_id, file.path) if file.is_dir else int(file.file_size or 0) for file in found)


def remove_files(settings: Settings, run: Run) -> None:
    """Remove all of a run's artifacts, which MLflow's client cannot."""
    uri = settings.tracking_uri
    get_artifact_repository(str(run.info.artifact_uri), tracking_uri=uri, registry_uri=uri).delete_artifacts()
