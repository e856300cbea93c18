"""`nextpick housekeep`: what is older than params.yaml says goes, without Airflow."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from nextpick.settings import load_settings

MEGABYTE = 1e6


def housekeep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
) -> None:
    """Remove what is older than `retention` in params.yaml says, and print what that freed. Nothing in use goes.

    Not while a retraining runs: both use DVC. The DAG housekeeping does the same every night.
    """
    from rich.console import Console
    from rich.table import Table

    from nextpick.stages import housekeeping
    from nextpick.store.connection import connect

    settings = load_settings()
    with connect(settings.database()) as conn:
        done = housekeeping.run(conn, settings, now=datetime.now(UTC), dry=dry_run)
    table = Table("part", "would go" if dry_run else "gone", "MB")
    table.columns[-1].justify = "right"
    for one in done:
        said = one.freed.said or ([] if one.fault else ["nothing"])
        shown = [*said[:5], *([f"and {len(said) - 5} more"] if len(said) > 5 else [])]
        table.add_row(one.name, "\n".join([*shown, *filter(None, [one.fault])]), f"{one.freed.size / MEGABYTE:,.1f}")
    table.add_row("all", "", f"{sum(one.freed.size for one in done) / MEGABYTE:,.1f}")
    Console().print(table)
    housekeeping.judge(done)
