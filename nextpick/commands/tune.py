"""`nextpick tune`: search for better parameters, and write them down for review."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer

from nextpick.errors import ConfigError
from nextpick.settings import load_settings


def tune(
    minutes: Annotated[float, typer.Option(min=0.01, help="End after so long.")] = 10.0,
    trials: Annotated[
        int | None, typer.Option(min=1, help="End after so many, those before --resume included.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with an earlier search; its name is what it printed.")
    ] = None,
) -> None:
    """Search for better parameters on the newest snapshot (the sample where no database is set).

    Candidates and ranker are tried on the label windows; the test window is never looked at. The proposal is a
    params.yaml beside yours: nothing of yours changes. Ctrl-C ends the search and keeps the best so far.
    """
    from nextpick.stages import tune
    from nextpick.stages.progress import bar
    from nextpick.store.connection import connect

    settings = load_settings()
    if resume is not None and resume not in (known := tune.searches(settings)):
        there = f"there are {', '.join(known)}" if known else "there is none on this machine"
        raise ConfigError(f"There is no search {resume[:100]!r} to go on with; {there}.")
    name = resume or f"tune.{datetime.now(UTC):%Y-%m-%dT%H.%M.%S}"
    with connect(settings.database()) if settings.database_url else nullcontext() as conn:
        folder = tune.prepare(settings, conn, run_id=name)
    with bar("searching", "trials") as advance:
        found = tune.run(
            settings,
            folder,
            limits=tune.Limits(minutes, trials),
            tell=lambda tried, best, share: advance(share, 1, f"best {best.worth:.4f}, {tried.block} {tried.state}"),
        )
    typer.echo(found.said())
    if found.difference:
        typer.echo(f"If you like it: cp {found.proposed} params.yaml && nextpick train    (the gate has the last word)")
    typer.echo(f"To search on: nextpick tune --resume {name}")
