"""Stage: what users did lately against the weeks before, as figures, an Evidently report and, if need be, an alert."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
from nextpick.drift.windows import DAY, WEEK, Windows
from nextpick.errors import ConfigError
from nextpick.params import DriftParams, Params, load_params
from nextpick.settings import Settings
from nextpick.stages import drift_alert
from nextpick.stages.drift_seen import Seen, look
from nextpick.store import drift
from nextpick.store.transactions import require_idle

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = "/plugin/nextpick-drift/nextpick"  # of the reports, inside the Airflow UI
log = structlog.get_logger()


@dataclass(frozen=True)
class DriftReport:
    """One night's report as it was stored; `path` is None where there was nothing to show, or no page could be made of
    it: then `fault` says why, and so does an alert.

    `dated` are the judgement's measures among the nights before; `asks_for_retraining` is true once: a report made
    again asks no second time.
    """

    report_id: int
    as_of: datetime
    windows: Windows
    judgement: Judgement
    dated: tuple[Dated, ...]
    harm: Harm
    path: Path | None
    notified: str
    asks_for_retraining: bool
    fault: str | None = None


def folder(settings: Settings) -> Path:
    """Where the HTML reports lie."""
    return settings.home / "reports" / "drift"


def address(settings: Settings, report_id: int) -> str:
    """Where people see a report: a page inside the Airflow UI."""
    return f"{settings.airflow_address}{PAGE}/reports/{report_id}"


@dataclass(frozen=True)
class Asked:
    """For which night a report is wanted, any moment up to `now`, and what may come of it.

    `window_days` and `reference_weeks` stand in for those of params.yaml. With `notify` people are told what is new,
    with `retrain` a retraining is asked for, where the night is a DAY old at most: a past one only gets its figures.
    """

    as_of: datetime
    run_id: str
    run_url: str | None = None
    notify: bool = True
    retrain: bool = False
    window_days: int | None = None
    reference_weeks: int | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def fresh(self) -> bool:
        """Whether the night is one to act on."""
        return self.as_of >= self.now - DAY


def run(conn: psycopg.Connection, settings: Settings, asked: Asked) -> DriftReport:
    """Report on the last days before a moment; the same moment again replaces its report. Its rows are one transaction,
    after the HTML is whole. Raises: StoreError where `conn` is in a transaction; ConfigError."""
    require_idle(conn, "A drift report")  # its rows are committed before it alerts
    everything, params = _params(settings, asked)
    with drift.alone(conn):
        return _report(conn, settings, asked, everything, params)


def _report(
    conn: psycopg.Connection, settings: Settings, asked: Asked, everything: Params, params: DriftParams
) -> DriftReport:
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = look(conn, settings, everything, params, asked.as_of)
        earlier = drift.report_of(conn, asked.as_of)
        before = _before(conn, asked.as_of)
        requested = drift.retrain_requested(conn, asked.as_of)
    judgement = judge(seen.columns, seen.volume, seen.silence, params, seen.rates, seen.numbers, seen.skew)
    own = of_their_own(before, seen.windows.current[1])
    measures = dated(judgement.measures, [one.metrics for one in before], [one.metrics for one in own])
    alarms = [one.measure for one in measures if one.alarm]
    harmed = harm(judgement.measures, alarms)
    may_ask, may_tell = asked.retrain and asked.fresh, asked.notify and asked.fresh
    answer = retrain(harmed, alarms, asked.as_of, requested, params.retrain_cooldown_days) if may_ask else None
    path, fault = _written(folder(settings) / _name(asked.as_of), seen.columns, judgement, params)
    row = {**_row(asked, seen, judgement, path), "harm": harmed, "retrain": _kept(earlier, answer)}
    untold = earlier.notified if earlier else "not_asked" if alarms else "not_needed"
    row["notified"] = drift_alert.PENDING if may_tell and earlier is None else untold
    with conn.transaction():
        report_id = drift.save(conn, row, [_metric(one) for one in measures])
    told = drift_alert.Night(row, measures, address(settings, report_id), asked.run_url, fault)
    notified = _told(conn, settings, told, report_id, earlier) if may_tell else str(row["notified"])
    log.info("drift report", verdict=row["verdict"], why=row["reasons"], slack=notified, harm=harmed, retrain=answer)
    asks = answer == "requested" and not _acted_on(earlier)
    return DriftReport(report_id, asked.as_of, seen.windows, judgement, measures, harmed, path, notified, asks, fault)


def _before(conn: psycopg.Connection, as_of: datetime) -> list[drift.Report]:
    """The reports of the nights of the week before that could judge anything, newest first, one each: those of less
    than half a day before tonight, or before each other, are of the same night."""
    found: list[drift.Report] = []
    for one in drift.heads(conn, as_of - WEEK, as_of):
        if one.verdict != "too_few_rows" and (found[-1].as_of if found else as_of) - one.as_of >= DAY / 2:
            found.append(one)
    return drift.measured(conn, found)


def _acted_on(earlier: drift.Report | None) -> bool:
    """Whether this night's earlier report has asked for a retraining, and it was begun."""
    return earlier is not None and earlier.retrain == "requested"


def _kept(earlier: drift.Report | None, answer: str | None) -> str:
    """What is stored: `asking` until the request is acted on, and what was stored where this report has no say."""
    if _acted_on(earlier):
        return "requested"
    if answer is None:
        return "not_asked" if earlier is None or earlier.retrain is None else earlier.retrain
    return "asking" if answer == "requested" else answer


def of_their_own(before: Sequence[drift.Report], end: datetime) -> list[drift.Report]:
    """Of nights, newest first, those that looked at other days than tonight, which ends at `end`, and than each other:
    a report after a day without events looks at nearly the same once more and knows nothing of its own."""
    found: list[drift.Report] = []
    for one in before:
        last = found[-1].current_end if found else end
        if last - one.current_end >= DAY / 2:
            found.append(one)
    return found


def _params(settings: Settings, asked: Asked) -> tuple[Params, DriftParams]:
    """All, and those of drift as they were asked for."""
    if asked.as_of < EARLIEST:
        raise ConfigError(f"A drift report of {asked.as_of:%d %B %Y} cannot be made: no event is that old.")
    everything = load_params(settings.project / "params.yaml")
    named = {"window_days": asked.window_days, "reference_weeks": asked.reference_weeks}
    chosen = {name: value for name, value in named.items() if value is not None}
    try:
        return everything, DriftParams.model_validate({**everything.drift.model_dump(), **chosen})
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]} is {fault['input']}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"A drift report cannot be made so: {faults}.") from None


def _written(
    path: Path, columns: Sequence[Column], judgement: Judgement, params: DriftParams
) -> tuple[Path | None, str | None]:
    """Where the page is, None where there is nothing to show; and why it could not be made: figures and alerts do not
    hang on a picture."""
    from nextpick.drift import report  # 8 CPU-s of evidently: not for those who only want a name from this module

    try:
        return (path, None) if report.write(path, columns, judgement, params) else (None, None)
    except Exception as error:
        log.exception("the page of a drift report could not be made", path=str(path))
        return None, f"{type(error).__name__}: {error}"


def _told(
    conn: psycopg.Connection,
    settings: Settings,
    night: drift_alert.Night,
    report_id: int,
    earlier: drift.Report | None,
) -> str:
    notified = drift_alert.tell(conn, settings, night, earlier)
    drift_alert.keep(conn, settings, lambda conn: drift.mark_notified(conn, report_id, notified))
    return notified


def _name(as_of: datetime) -> str:
    at = as_of.astimezone(UTC)
    moment = f"{at:%H%M%S}" + (f"_{at.microsecond:06}" if at.microsecond else "")
    return f"{at:%Y-%m-%d}/{moment}.html"


def _metric(one: Dated) -> dict[str, Any]:
    return {**asdict(one.measure), "nights": one.nights, "alarm": one.alarm}


def _row(asked: Asked, seen: Seen, judgement: Judgement, path: Path | None) -> dict[str, Any]:
    (current_start, current_end), (reference_start, reference_end) = seen.windows.current, seen.windows.reference
    return {
        "as_of": asked.as_of,
        "run_id": asked.run_id,
        "current_start": current_start,
        "current_end": current_end,
        "reference_start": reference_start,
        "reference_end": reference_end,
        "release_id": seen.release_id,
        "verdict": judgement.verdict,
        "reasons": list(judgement.reasons),
        "taken": seen.taken,
        "path": None if path is None else _name(asked.as_of),
    }
