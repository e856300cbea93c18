"""MLflow's server on one machine: one worker, no job runner, nothing sent to anybody."""

from collections.abc import Mapping
from functools import partial

from nextpick.local import databases
from nextpick.local.ports import HOST
from nextpick.local.programs import answers, service
from nextpick.local.secrets import Secrets
from nextpick.local.supervisor import Program
from nextpick.settings import Settings

NAME = "mlflow"


def url(settings: Settings) -> str:
    """Of MLflow's pages, tracking and registry."""
    return f"http://{HOST}:{settings.mlflow_port}"


def program(settings: Settings, base: Mapping[str, str], secrets: Secrets) -> Program:
    """The server; its database URL goes by the environment, as command lines are there for all to read."""
    database = databases.url(settings.postgres_port, "mlflow", secrets)
    given = {
        **base,
        "MLFLOW_BACKEND_STORE_URI": database.replace("postgresql://", "postgresql+psycopg://"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(settings.home / "mlflow" / "artifacts"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # ten more processes, 1.8 GB
    }
    words = ("mlflow", "server", "--host", HOST, "--port", str(settings.mlflow_port), "--workers", "1")
    return service(settings, NAME, words, given, partial(answers, f"{url(settings)}/health"))
