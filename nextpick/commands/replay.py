"""`nextpick replay`: the sample's held-back week as live traffic."""

from typing import TYPE_CHECKING, Annotated

import typer

from nextpick.commands.load import SAMPLE
from nextpick.settings import load_settings

if TYPE_CHECKING:
    from nextpick.stages.replay import Report

INTERRUPTED = 130  # what a shell expects of Ctrl-C


def replay(
    speed: Annotated[
        float, typer.Option(min=0.001, help="How much faster than life: 1 takes a week, 3600 plays an hour a second.")
    ] = 3600,
    limit: Annotated[int | None, typer.Option(min=1, help="End after this many orders.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Start over, instead of where the last one stopped.")] = False,
    api: Annotated[str | None, typer.Option(help="Where the API is; else that of `make run`.")] = None,
) -> None:
    """Play the sample's last seven days through the API: recommend before each order, then its events.

    The orders come in their order, the gaps between them divided by --speed, each stamped with the moment it is sent.
    So the ranker sees what just happened, answers are logged as impressions, and the dashboards and the drift report
    have something true to show. Ctrl-C stops it; run again, it goes on from there. A key for the API, with
    the scopes serve and events, is read from NEXTPICK_API_KEY.
    """
    from nextpick.stages import replay as stage
    from nextpick.store.connection import connect

    settings = load_settings()
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    target = (api or settings.api_address, key)
    with connect(settings.database()) as conn:
        report = stage.run(conn, settings.project / SAMPLE, target, speed=speed, limit=limit, again=again)
    _tell(report)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)


def _tell(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if report.played:
        table = Table(show_header=False)
        for what, figure in _figures(report):
            table.add_row(what, figure)
        console.print(table)
    if not report.left:
        console.print(f"All orders of round {report.round_number} are sent. --again starts over.", highlight=False)
    else:
        console.print(f"{report.left:,} orders are left; run it again to go on from here.", highlight=False)


def _figures(report: "Report") -> list[tuple[str, str]]:
    from collections import Counter

    played = report.played
    asked = [one for one in played if one.recommend_seconds is not None]
    sources = sum((one.sources for one in asked), Counter[str]())
    figures = [
        ("orders sent", f"{len(played):,}"),
        (
            "events new / known before",
            f"{sum(p.events_new for p in played):,} / {sum(p.events_known for p in played):,}",
        ),
        ("requests sent again", f"{sum(one.retries for one in played):,}"),
        ("waited, as the API asked (Retry-After)", f"{sum(one.waited_seconds for one in played):,.0f} s"),
        ("/events p50 / p99", _milliseconds([one.events_seconds for one in played])),
    ]
    if asked:
        hits = sum(one.hit for one in asked)
        figures += [
            ("/recommend p50 / p99", _milliseconds([one.recommend_seconds or 0.0 for one in asked])),
            ("hit@10: orders with an item of the answer", f"{hits:,} of {len(asked):,} ({hits / len(asked):.1%})"),
            ("who filled the answers", ", ".join(f"{name} {count:,}" for name, count in sources.most_common())),
        ]
    return figures


def _milliseconds(seconds: list[float]) -> str:
    import numpy as np

    middle, worst = np.percentile(np.array(seconds) * 1000, [50, 99])
    return f"{middle:.1f} / {worst:.1f} ms"
