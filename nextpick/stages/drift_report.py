"""Stage: what users did lately against the weeks before, as figures, an Evidently report and, if need be, an alert."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from pydantic import ValidationError

from nextpick.drift.columns import Column
from nextpick.drift.harm import Harm, harm, retrain
from nextpick.drift.nights import Dated, dated
from nextpick.drift.verdict import Judgement, judge
from nextpick.drift.windows import WEEK, Windows
from nextpick.errors import ConfigError
from nextpick.params import DriftParams, Params, load_params
from nextpick.settings import Settings
from nextpick.stages import drift_alert
from nextpick.stages.drift_seen import Seen, look
from nextpick.store import drift
from nextpick.store.transactions import require_idle

PAGE = "/plugin/nextpick-drift/nextpick"  # of the reports, inside the Airflow UI
NIGHTS_BEFORE = 8  # reports that a night is seen among, those of the same window with them
log = structlog.get_logger()


@dataclass(frozen=True)
class DriftReport:
    """One night's report as it was stored; `path` is None where there was nothing to show.

    `dated` are the judgement's measures among the nights before; `asks_for_retraining` is true once: a report made
    again asks no second time.
    """

    report_id: int
    run_id: str
    as_of: datetime
    windows: Windows
    judgement: Judgement
    dated: tuple[Dated, ...]
    harm: Harm
    path: Path | None
    notified: str
    asks_for_retraining: bool


def folder(settings: Settings) -> Path:
    """Where the HTML reports lie."""
    return settings.home / "reports" / "drift"


def address(settings: Settings, report_id: int) -> str:
    """Where people see a report: a page inside the Airflow UI."""
    return f"{settings.airflow_address}{PAGE}/reports/{report_id}"


def run(
    conn: psycopg.Connection,
    settings: Settings,
    *,
    as_of: datetime,
    run_id: str,
    run_url: str | None = None,
    notify: bool = True,
    window_days: int | None = None,
    reference_weeks: int | None = None,
) -> DriftReport:
    """Report on the last days before `as_of`, any moment up to now; the same moment again replaces its report.

    Its rows are one transaction, after the HTML is whole. People are told what is new since the report before; what
    became of that is kept. `window_days` and `reference_weeks` stand in for those of params.yaml. Without `notify`
    nobody is told, nor a retraining asked for. Raises: StoreError where `conn` is in a transaction; ConfigError.
    """
    require_idle(conn, "A drift report")  # its rows are committed before it alerts
    everything, params = _params(settings, window_days, reference_weeks)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = look(conn, settings, everything, params, as_of)
        earlier = drift.report_of(conn, as_of)
        before = [one for one in drift.reports(conn, NIGHTS_BEFORE, before=as_of) if one.as_of >= as_of - WEEK]
        requested = drift.retrain_requested(conn, as_of)
    judgement = judge(seen.columns, seen.volume, seen.silence, params, seen.rates, seen.numbers, seen.skew)
    measures = dated(judgement.measures, [one.metrics for one in of_their_own(before, seen.windows.current[1])])
    alarms = [one.measure for one in measures if one.alarm]
    harmed = harm(judgement.measures, alarms)
    asked = retrain(harmed, alarms, as_of, requested, params.retrain_cooldown_days) if notify else "not_asked"
    path = _written(folder(settings) / _name(as_of), seen.columns, judgement, params)
    row = {**_row(as_of, run_id, seen, judgement, path), "harm": harmed, "retrain": asked}
    with conn.transaction():
        report_id = drift.save(conn, row, [_metric(one) for one in measures])
    told = drift_alert.Night(row, measures, address(settings, report_id), run_url)
    notified = _told(conn, settings, told, report_id, earlier, before) if notify else str(row["notified"])
    log.info("drift report", verdict=row["verdict"], why=row["reasons"], slack=notified, harm=harmed, retrain=asked)
    asks = asked == "requested" and (earlier is None or earlier.retrain != "requested")
    return DriftReport(report_id, run_id, as_of, seen.windows, judgement, measures, harmed, path, notified, asks)


def of_their_own(before: Sequence[drift.Report], end: datetime) -> list[drift.Report]:
    """Of reports, newest first, the newest of each window: where a day brought no events, the report after it looks at
    the same ones again and knows nothing of its own. `end` is where tonight's window ends."""
    found: list[drift.Report] = []
    for one in before:
        if one.current_end not in (end, *(other.current_end for other in found)):
            found.append(one)
    return found


def _params(settings: Settings, window_days: int | None, reference_weeks: int | None) -> tuple[Params, DriftParams]:
    """All, and those of drift as they were asked for."""
    everything = load_params(settings.project / "params.yaml")
    asked = {"window_days": window_days, "reference_weeks": reference_weeks}
    chosen = {name: value for name, value in asked.items() if value is not None}
    try:
        return everything, DriftParams.model_validate({**everything.drift.model_dump(), **chosen})
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]} is {fault['input']}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"A drift report cannot be made so: {faults}.") from None


def _written(path: Path, columns: Sequence[Column], judgement: Judgement, params: DriftParams) -> Path | None:
    from nextpick.drift import report  # 8 CPU-s of evidently: not for those who only want a name from this module

    return path if report.write(path, columns, judgement, params) else None


def _told(
    conn: psycopg.Connection,
    settings: Settings,
    night: drift_alert.Night,
    report_id: int,
    earlier: drift.Report | None,
    before: Sequence[drift.Report],
) -> str:
    notified = drift_alert.tell(conn, settings, night, earlier, before[0] if before else None)
    with conn.transaction():
        drift.mark_notified(conn, report_id, notified)
    return notified


def _name(as_of: datetime) -> str:
    at = as_of.astimezone(UTC)
    moment = f"{at:%H%M%S}" + (f"_{at.microsecond:06}" if at.microsecond else "")
    return f"{at:%Y-%m-%d}/{moment}.html"


def _metric(one: Dated) -> dict[str, Any]:
    return {**asdict(one.measure), "nights": one.nights, "alarm": one.alarm}


def _row(as_of: datetime, run_id: str, seen: Seen, judgement: Judgement, path: Path | None) -> dict[str, Any]:
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
        "taken": seen.taken,
        "path": None if path is None else _name(as_of),
        "notified": "not_asked" if judgement.alarms else "not_needed",
    }
