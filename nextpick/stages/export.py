"""Stage: what Postgres has before a cutoff to `data/raw`, a snapshot that DVC knows by its md5.

Events, the catalogue, what answers showed, and with which odds places of them were given away by lot. Of the last two
nothing newer than the newest event is taken, and without any there is no file of it: a night without events is the
same snapshot again.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pandas as pd
import psycopg
import structlog

from nextpick import pipeline
from nextpick.errors import DataError
from nextpick.params import load_params
from nextpick.schema import EVENT_COLUMNS, ITEM_COLUMNS, OCCURRED_AT
from nextpick.settings import Settings
from nextpick.store import events, impressions, items, snapshots
from nextpick.store.snapshots import Snapshot

log = structlog.get_logger()


def run(conn: psycopg.Connection, settings: Settings, *, cutoff: datetime, run_id: str) -> Snapshot:
    """Take the snapshot in the run's own folder, push it to the remote and note it in Postgres.

    Equal data give an equal md5, whatever the cutoff. `conn` must be in no transaction.

    Raises: DataError where no event lies before the cutoff; PipelineError.
    """
    folder = pipeline.start(settings, run_id)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before, catalogue = events.read(conn, before=cutoff), items.read(conn)
        if before.empty:
            raise DataError(
                f"There is no event before {cutoff:%Y-%m-%d %H:%M} UTC, so there is nothing to learn from. "
                "Load some (`nextpick load EVENTS`), or take a later cutoff."
            )
        newest = before[OCCURRED_AT].iloc[-1].to_pydatetime()
        learnt_of, tested_on = _looked_at(folder)
        shown = impressions.shown(conn, since=newest - learnt_of, before=newest)
        lots = impressions.lots(conn, since=newest - tested_on, before=newest)
    frames = {"events": before[[*EVENT_COLUMNS]], "items": catalogue[[*ITEM_COLUMNS]]}
    answered = {name: frame for name, frame in {"impressions": shown, "lots": lots}.items() if len(frame)}
    _write(folder / pipeline.RAW, {**frames, **answered})
    snapshot = Snapshot(pipeline.track(folder), cutoff, len(before), run_id)
    pipeline.push(folder, only_raw=True)
    with conn.transaction():
        snapshots.record(conn, snapshot)
    log.info("snapshot taken", raw_md5=snapshot.raw_md5, events=len(before), items=len(catalogue), shown=len(shown))
    return snapshot


def _looked_at(folder: Path) -> tuple[timedelta, timedelta]:
    """How far back from the newest event the label windows and the test reach, and the test alone: of older answers
    nothing is learnt, and none is judged."""
    split = load_params(folder / "params.yaml").split
    tested_on = timedelta(days=split.test_days + 1)
    return tested_on + timedelta(days=split.label_windows * split.label_days), tested_on


def _write(raw: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Each frame as `<name>.parquet` in a folder that is there whole or not at all."""
    draft = raw.with_name(f".{uuid4().hex}")
    draft.mkdir(parents=True)
    for name, frame in frames.items():
        frame.to_parquet(draft / f"{name}.parquet", index=False)
    shutil.rmtree(raw, ignore_errors=True)
    draft.rename(raw)
