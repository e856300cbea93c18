"""What a load did, for the person who asked for it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from nextpick.stages.load import Report


def tell(reports: Sequence[Report]) -> None:
    """Print what became of every row, and what to look at next."""
    console = Console()
    table = Table("load", "what", *NUMBERS, title=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for report in reports:
        table.add_row(str(report.load_id), "items" if report.are_items else "events", *_numbers(report))
    for source in dict.fromkeys(report.source for report in reports):
        console.print(source, markup=False, highlight=False)
    console.print(table)
    for report in reports:
        for line in _remarks(report):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


NUMBERS = ("read", "new", "known", "quarantined", "left out")


def _numbers(report: Report) -> list[str]:
    counts = (report.read, report.new, report.known, sum(report.quarantined.values()), sum(report.dropped.values()))
    return [f"{count:,}" for count in counts]


def _remarks(report: Report) -> list[str]:
    lines = [f"Left out: {count:,} x {reason}" for reason, count in _by_number(report.dropped)]
    lines += [f"Quarantined: {count:,} x {reason}" for reason, count in _by_number(report.quarantined)]
    if report.quarantined:
        lines.append(f"They are in the table nextpick.quarantine under load_id {report.load_id}, line by line.")
    if report.shift_days and report.newest is not None:
        lines.append(
            f"Moved by {report.shift_days // 7:,} weeks, so weekdays and hours are as they were: "
            f"the newest event is now of {report.newest:%A %Y-%m-%d %H:%M} UTC."
        )
    return lines


def _by_number(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
