"""Stage: the sample into Postgres, brought near to now by whole weeks, its last days held back for the replay."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import psycopg

from nextpick.data import shift
from nextpick.data.incoming import DIGEST, Checked
from nextpick.data.online_retail import convert
from nextpick.errors import DataError
from nextpick.schema import OCCURRED_AT
from nextpick.stages.load import Part, Report, load
from nextpick.store.loads import SAMPLE

SOURCE = SAMPLE
HELD_BACK = "held back for `nextpick replay`"


def run(conn: psycopg.Connection, lines: Path, *, now: datetime) -> list[Report]:
    """Load the sample's catalogue and its events but for the last seven days; reports of the items and the events.

    The events end as shortly before `now` as whole weeks allow. Loaded again, in whatever week, they stay where they
    were put first. Raises: DataError where the file of invoice lines is absent or another.
    """
    converted = convert(read_lines(lines))
    cutoff = shift.cutoff(converted.events)
    loaded = converted.events[converted.events[OCCURRED_AT] < cutoff]
    dropped = {**converted.dropped, HELD_BACK: len(converted.events) - len(loaded)}
    parts = [
        Part(SOURCE, [Checked(converted.items)], are_items=True, earlier_shift=True),
        Part(SOURCE, [Checked(loaded.assign(**{DIGEST: None}), dropped=dropped)], earlier_shift=True),
    ]
    return load(conn, parts, now=now, max_bad_share=0.0, shift=shift.whole_weeks(cutoff, now))


def read_lines(path: Path) -> pd.DataFrame:
    """The sample's invoice lines as published. Raises: DataError where they cannot be read."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read the sample {path}: {error}. It is part of the project: restore it.") from None
