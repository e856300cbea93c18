"""`nextpick drift`: what users did lately against the weeks before, without Airflow."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nextpick.errors import ConfigError
from nextpick.settings import load_settings
from nextpick.store.connection import connect

if TYPE_CHECKING:
    from rich.table import Table

    from nextpick.drift.measure import Measure
    from nextpick.stages.drift_report import DriftReport

Night = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Look back from here, UTC; else from now."),
]
Notify = Annotated[bool, typer.Option(help="Tell Slack too where something drifted, unless that is past.")]
Days = Annotated[int | None, typer.Option("--days", help="How many of the last days; else as params.yaml says.")]
Weeks = Annotated[int | None, typer.Option("--weeks", help="How many weeks before; else as params.yaml says.")]
_COLOURS = {"ok": "green", "warn": "yellow", "alarm": "red", "broken": "red", "too_few_rows": "dim"}


def drift(date: Night = None, days: Days = None, weeks: Weeks = None, notify: Notify = False) -> None:
    """Compare the last days with the same weekdays of the weeks before: figures, a verdict and an Evidently report.

    A statistic alarms above its threshold: a shift large enough to matter, and larger than chance explains.
    """
    from rich.console import Console

    from nextpick.stages import drift_report

    settings, now = load_settings(), datetime.now(UTC)
    as_of = now if date is None else date.replace(tzinfo=UTC)
    if as_of > now:
        raise ConfigError(f"--date {as_of:%Y-%m-%d %H:%M} UTC has yet to come. Name a night that is over.")
    with connect(settings.database()) as conn:
        run_id = f"cli.{now:%Y-%m-%dT%H:%M:%SZ}"
        asked = drift_report.Asked(as_of, run_id, notify=notify, window_days=days, reference_weeks=weeks, now=now)
        report = drift_report.run(conn, settings, asked)
    console = Console()
    console.print(table(report))
    for reason in report.judgement.reasons:
        console.print(f"- {reason}", markup=False)
    console.print(f"Verdict: [bold {_COLOURS[report.judgement.verdict]}]{report.judgement.verdict}[/]")
    console.print(f"Harm: {report.harm}.", markup=False)
    page = report.path or report.fault or "none, there was nothing to draw"
    console.print(f"Slack: {report.notified}. Report: {page}", markup=False)


def table(report: "DriftReport") -> "Table":
    """The figures of a report, alarms first."""
    from rich.table import Table

    (start, end), (first, last) = report.windows.current, report.windows.reference
    title = f"{start:%d %b %Y %H:%M} to {end:%d %b %Y %H:%M} UTC, against {first:%d %b %Y} to {last:%d %b %Y}"
    figures = Table(title=title, title_justify="left")
    for name in ("column", "statistic"):
        figures.add_column(name)
    for name in ("value", "alarm above", "chance explains", "n now", "n before"):
        figures.add_column(name, justify="right")
    figures.add_column("verdict")
    for measure in report.judgement.measures:
        figures.add_row(*_cells(measure))
    return figures


def _cells(measure: "Measure") -> list[str]:
    numbers = (measure.value, measure.threshold, measure.noise_floor)
    return [
        measure.column_name,
        measure.statistic,
        *("" if number is None else f"{number:.3f}" for number in numbers),
        f"{measure.current_n:,}",
        f"{measure.reference_n:,}",
        f"[{_COLOURS[measure.verdict]}]{measure.verdict}[/]",
    ]
