"""Stage: a run's own folder, with the pipeline as the working tree has it and the raw data of one snapshot."""

from pathlib import Path

import psycopg

from nextpick import pipeline
from nextpick.errors import DataError
from nextpick.settings import Settings
from nextpick.store import snapshots


def run(conn: psycopg.Connection, settings: Settings, *, run_id: str, raw_md5: str | None = None) -> Path:
    """The folder of the run, its data/raw that of the snapshot `raw_md5`, or else of the newest one.

    Raises: DataError where there is no snapshot yet; PipelineError where its data are gone.
    """
    if raw_md5 is None:
        newest = snapshots.newest(conn)
        if newest is None:
            raise DataError("No snapshot has been taken yet: trigger the DAG data_prep, or run `nextpick train`.")
        raw_md5 = newest.raw_md5
    folder = pipeline.start(settings, run_id)
    pipeline.restore(folder, raw_md5)
    return folder
