"""Stage: what users did lately against the weeks before, as figures, an Evidently report and, if need be, an alert."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import structlog

from nextpick.drift import slack
from nextpick.drift.columns import POPULARITY_DAYS, Column, Traffic, event_columns, volumes
from nextpick.drift.served import served_columns
from nextpick.drift.verdict import Judgement, Silence, is_news, judge
from nextpick.drift.windows import WEEK, Windows, windows
from nextpick.params import DriftParams, load_params
from nextpick.settings import Settings
from nextpick.store import drift, events, items
from nextpick.store.transactions import require_idle

ANSWERS = 2000  # a window, drawn at random; of some ten items each
DAY = timedelta(days=1)
PAGE = "/plugin/nextpick-drift/nextpick"  # of the reports, inside the Airflow UI
REPEATED = "repeated"  # the report before told the same
log = structlog.get_logger()


@dataclass(frozen=True)
class DriftReport:
    """One night's report as it was stored; `path` is None where there was nothing to show."""

    report_id: int
    run_id: str
    as_of: datetime
    windows: Windows
    judgement: Judgement
    path: Path | None
    notified: str


@dataclass(frozen=True)
class _Seen:
    """What Postgres knew."""

    release_id: int | None
    windows: Windows
    columns: list[Column]
    volume: tuple[int, list[int]]
    silence: Silence


def folder(settings: Settings) -> Path:
    """Where the HTML reports lie."""
    return settings.home / "reports" / "drift"


def run(
    conn: psycopg.Connection, settings: Settings, *, as_of: datetime, run_id: str, notify: bool = True
) -> DriftReport:
    """Report on the last days before `as_of`, any moment up to now; the same moment again replaces its report.

    The rows are written in one transaction, after the HTML is whole. An alert goes out where something drifted that
    the report before did not tell already; what became of it is kept in the row.

    Raises: StoreError where `conn` is in a transaction; ConfigError for bad params.yaml.
    """
    require_idle(conn, "A drift report")  # its rows are committed before it alerts
    params = load_params(settings.project / "params.yaml")
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = _look(conn, frozenset(params.data.kinds), params.drift, as_of)
        earlier = drift.report_of(conn, as_of)
        before = next((one for one in drift.reports(conn, 1, before=as_of) if one.as_of >= as_of - WEEK), None)
    judgement = judge(seen.columns, seen.volume, seen.silence, params.drift)
    name = _name(as_of)
    path = folder(settings) / name if _write(folder(settings) / name, seen.columns, judgement, params.drift) else None
    row = _row(as_of, run_id, seen, judgement, name if path else None)
    with conn.transaction():
        report_id = drift.save(conn, row, [asdict(measure) for measure in judgement.measures])
    notified = "not_needed" if not judgement.alarms else "not_asked"
    if judgement.alarms and notify:
        message = _message(settings, report_id, row)
        notified = _tell(settings, judgement, message, [earlier, before])
    with conn.transaction():
        drift.mark_notified(conn, report_id, notified)
    log.info("drift report", verdict=judgement.verdict, why=judgement.reasons, slack=notified, html=str(path))
    return DriftReport(report_id, run_id, as_of, seen.windows, judgement, path, notified)


def _look(conn: psycopg.Connection, kinds: frozenset[str], params: DriftParams, as_of: datetime) -> _Seen:
    """Columns of the last days that had events: whether the newest one is too old is another question, `silence`."""
    newest = drift.newest_event(conn, as_of)
    end = as_of if newest is None else min(as_of, newest + timedelta(microseconds=1))
    release_id, trained_until = drift.release_at(conn, as_of) or (None, None)
    chosen = windows(end, params.window_days, params.reference_weeks, trained_until)
    since = chosen.weeks[-1][0]
    first = {
        what: pd.Series(drift.first_events(conn, what, sorted(kinds), since, end), dtype="int64")
        for what in ("user", "item")
    }
    traffic = Traffic(
        events=events.read(conn, since=since - timedelta(days=POPULARITY_DAYS), before=end),
        kinds=kinds,
        catalogue=items.read(conn),
        user_first=first["user"],
        item_first=first["item"],
    )
    answers = [
        answer for window in (chosen.current, *chosen.weeks) for answer in drift.answers(conn, *window, limit=ANSWERS)
    ]
    silence = Silence(
        drift.live_events(conn, as_of - DAY, as_of),
        tuple(
            drift.live_events(conn, as_of - DAY - WEEK * week, as_of - WEEK * week)
            for week in range(1, params.reference_weeks + 1)
        ),
    )
    columns = event_columns(traffic, chosen) + served_columns(answers, drift.feature_names(conn), chosen)
    return _Seen(release_id, chosen, columns, volumes(traffic, chosen), silence)


def _write(path: Path, columns: list[Column], judgement: Judgement, params: DriftParams) -> bool:
    from nextpick.drift import report  # 8 CPU-s of evidently: not for those who only want a name from this module

    return report.write(path, columns, judgement, params)


def _name(as_of: datetime) -> str:
    at = as_of.astimezone(UTC)
    moment = f"{at:%H%M%S}" + (f"_{at.microsecond:06}" if at.microsecond else "")
    return f"{at:%Y-%m-%d}/{moment}.html"


def _row(as_of: datetime, run_id: str, seen: _Seen, judgement: Judgement, name: str | None) -> dict[str, Any]:
    (current_start, current_end), (reference_start, reference_end) = seen.windows.current, seen.windows.reference
    return {
        "as_of": as_of,
        "run_id": run_id,
        "current_start": current_start,
        "current_end": current_end,
        "reference_start": reference_start,
        "reference_end": reference_end,
        "release_id": seen.release_id,
        "verdict": judgement.verdict,
        "reasons": list(judgement.reasons),
        "path": name,
        "notified": "pending",
    }


def _message(settings: Settings, report_id: int, row: Mapping[str, Any]) -> slack.Message:
    compared = (
        f"{row['current_start']:%d %b %Y %H:%M} to {row['current_end']:%d %b %Y %H:%M} UTC against the weeks from "
        f"{row['reference_start']:%d %b %Y} to {row['reference_end']:%d %b %Y}; run {row['run_id']}."
    )
    link = f"{settings.airflow_address}{PAGE}/reports/{report_id}"
    return slack.drift_message(row["verdict"], row["as_of"], compared, row["reasons"], link)


def _tell(
    settings: Settings, judgement: Judgement, message: slack.Message, known: Sequence[drift.Report | None]
) -> str:
    """Send what neither this night's earlier report nor the night before has told."""
    earlier, before = known
    if earlier is not None and not is_news(judgement, _told(earlier)):
        return earlier.notified
    if before is not None and not is_news(judgement, _told(before)):
        return REPEATED
    return slack.send(settings, message)


def _told(report: drift.Report) -> frozenset[tuple[str, str]]:
    """The alarms that people know of through a report."""
    if report.notified not in (slack.SENT, REPEATED):
        return frozenset()
    return frozenset((metric.column_name, metric.statistic) for metric in report.alarms)
