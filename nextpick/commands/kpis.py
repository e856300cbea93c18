"""`nextpick kpis`: what recommendations brought, by variant and release."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from nextpick.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from nextpick.kpis import Arm, Counts, Estimate

Days = Annotated[int, typer.Option(min=1, max=400, help="How many days, today (UTC) included.")]
Kind = Annotated[str | None, typer.Option(help="Only this kind of event, such as purchase; else every kind.")]


def kpis(days: Days = 7, kind: Kind = None) -> None:
    """Show how many answers were taken, and the revenue they led to, by variant and release, in 95 % intervals.

    An answer is taken where an event within a day names it (recommendation_id) and is on an item it showed. So the row
    of a kind such as click is the click-through rate, and that of purchase the conversion. Revenue is the sum of the
    events' values, over all answers, those that brought nothing included.

    Two releases differ where their intervals lie apart. While traffic is split, the sample ratio comes first: where
    the variants have other shares of the users than they should, the split is broken, and no figure below means
    anything. Days whose answers housekeeping has removed keep their figures, once they were counted.
    """
    from rich.console import Console

    from nextpick.kpis import SUSPECT, sample_ratio
    from nextpick.store import kpis as store
    from nextpick.store.connection import connect

    now, console = datetime.now(UTC), Console()
    today = now.date()
    with connect(load_settings().database()) as conn:
        store.count(conn, now, days)
        found = store.read(conn, today - timedelta(days=days - 1), today)
        arms = store.arms(conn, today - timedelta(days=1))
    if (likely := sample_ratio(arms)) is not None:
        console.print(f"Users yesterday: {_said(arms)}. By chance so uneven or more: {likely:.2g}.", highlight=False)
        if likely < SUSPECT:
            console.print("[red]The split is broken: the variants are not comparable.[/] See docs/monitoring.md.")
    if not found:
        console.print(
            f"No answer was stored in the last {days} days: ask for some, by `nextpick replay` or /recommend."
        )
        return
    console.print(table([one for one in found if kind in (None, one.kind)], days))


def _said(arms: "list[Arm]") -> str:
    return ", ".join(f"{arm.variant} {arm.users:,} ({arm.share:.0%} wanted)" for arm in arms)


def table(found: "list[Counts]", days: int) -> "Table":
    """A row a variant, release and kind."""
    from rich.table import Table

    from nextpick import kpis

    figures = Table(title=f"The last {days} days: value, and its 95 % interval", title_justify="left")
    for name in ("variant", "release", "kind"):
        figures.add_column(name)
    for name in ("answers", "taken", "share taken", "events", "revenue", "revenue an answer"):
        figures.add_column(name, justify="right")
    for one in found:
        figures.add_row(
            one.variant,
            str(one.release_id),
            one.kind or "-",
            f"{one.answers:,}",
            f"{one.taken:,}",
            _interval(kpis.share(one.taken, one.answers), ".2%"),
            f"{one.events:,}",
            f"{one.revenue:,.2f}",
            _interval(kpis.per_answer(one.revenue, one.squares, one.answers), ",.3f"),
        )
    return figures


def _interval(found: "Estimate | None", form: str) -> str:
    return "-" if found is None else f"{found.value:{form}}  [{found.low:{form}}, {found.high:{form}}]"
