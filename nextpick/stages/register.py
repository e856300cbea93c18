"""Stage: what the pipeline made in a run's folder becomes a version in the model registry."""

from pathlib import Path

import psycopg

from nextpick import pipeline, registry
from nextpick.models import manifest
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from nextpick.stages import settle


def run(settings: Settings, folder: Path, conn: psycopg.Connection | None = None) -> ModelVersion:
    """The version of the folder's bundle: a known one where nothing has changed, else a new challenger.

    Results and DVC's memory of runs are pushed to the remote first, so a version's data can be had again.

    A bundle that was gone back from, as Postgres knows where `conn` leads to, is no challenger.

    Raises: PipelineError; RegistryError; BundleError.
    """
    settle.run(conn, settings)
    pipeline.push(folder)
    sha256 = manifest.read(folder / "models" / "bundle").sha256
    return registry.register(settings, folder, sha256, pipeline.lineage(folder))
