"""`nextpick kpis`: what recommendations brought, by variant and release."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from nextpick.settings import load_settings

if TYPE_CHECKING:
    from nextpick.kpis import Arm, Counts, Estimate

WIDTH, GAP = 80, "  "
HEADS = ("kind", "taken", "share taken", "events", "revenue", "revenue an answer")
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
    from rich.text import Text

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
    console.print(f"The last {days} days (UTC): what was taken of the answers, with 95 % intervals.", highlight=False)
    for title, lines in blocks(found, kind):
        console.print(f"\n[bold]{title}[/]", highlight=False, soft_wrap=True)
        for line in lines:
            console.print(Text(line), soft_wrap=True)


def _said(arms: "list[Arm]") -> str:
    return ", ".join(f"{arm.variant} {arm.users:,} ({arm.share:.0%} wanted)" for arm in arms)


def blocks(found: "list[Counts]", kind: str | None = None) -> list[tuple[str, list[str]]]:
    """A title and lines for each variant and release, columns below one another in all, WIDTH at most: a long kind is
    cut. A release without `kind` says so: that it sold nothing is a figure, too.
    """
    rows = [
        (f"{variant}, release {release}: {answers:,} answers", _of_kind(list(group), kind))
        for (variant, release, answers), group in groupby(found, lambda one: (one.variant, one.release_id, one.answers))
    ]
    cells = [(title, [HEADS, *map(_cells, group)]) for title, group in rows]
    wide = [max(map(len, column)) for column in zip(*(row for _, group in cells for row in group), strict=True)]
    wide[0] = min(wide[0], max(len("purchase"), WIDTH - sum(wide[1:]) - len(GAP) * (len(wide) - 1)))
    return [(title, [_line(row, wide) for row in group]) for title, group in cells]


def _of_kind(group: "list[Counts]", kind: str | None) -> "list[Counts]":
    none = replace(group[0], kind=kind or "", taken=0, events=0, revenue=0.0, squares=0.0)
    return [one for one in group if kind in (None, one.kind)] or [none]


def _cells(one: "Counts") -> tuple[str, ...]:
    from nextpick import kpis

    return (
        (one.kind if one.kind.isprintable() else repr(one.kind)) or "nothing",  # a terminal obeys some characters
        _count(one.taken),
        _share(kpis.share(one.taken, one.answers)),
        _count(one.events),
        _count(one.revenue, 1e7) if one.revenue else "-",
        _money(kpis.per_answer(one.revenue, one.squares, one.answers)) if one.revenue else "-",
    )


def _line(cells: tuple[str, ...], wide: list[int]) -> str:
    """Words to the left and counts to the right; intervals, too, to the left, as their figure comes first."""
    kind = cells[0] if len(cells[0]) <= wide[0] else f"{cells[0][: wide[0] - 1]}…"
    places = zip((kind, *cells[1:]), wide, "<><>><", strict=True)
    return GAP.join(f"{cell:{side}{width}}" for cell, width, side in places).rstrip()


def _count(figure: float, most: float = 1e6) -> str:
    """Whole below `most`, then in millions."""
    if figure < most:
        return f"{figure:,.0f}"
    return f"{figure / 1e6:,.{2 if figure < 1e7 else 1 if figure < 1e8 else 0}f}M"


def _share(found: "Estimate | None") -> str:
    if found is None:
        return "-"
    form = ".2f" if found.high < 0.0995 else ".1f"
    return f"{100 * found.value:{form}}% [{100 * found.low:{form}}, {100 * found.high:{form}}]"


def _money(found: "Estimate | None") -> str:
    if found is None:
        return "-"
    most = max(abs(found.low), abs(found.high))
    form = f",.{next((digits for digits, below in ((3, 1), (2, 10), (1, 1000)) if most < below), 0)}f"
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"
