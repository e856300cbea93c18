"""`nextpick train`: from events to a champion, or to the reasons against one."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer

from nextpick.errors import ConfigError, GateRefused
from nextpick.settings import load_settings


def train(
    until: Annotated[datetime | None, typer.Option(help="Take events before this moment, UTC; else all.")] = None,
    force: Annotated[bool, typer.Option(help="Compute every stage, even those whose result is known.")] = False,
    because: Annotated[str, typer.Option("--promote-because", help="Promote whatever the gate says; say why.")] = "",
) -> None:
    """Train on all events so far, register the model, and make it champion if the gate lets it.

    Takes a snapshot of the database, or the sample where no database is set, and runs the stages of dvc.yaml in a
    folder of their own; what is known already is not computed again. Publish afterwards: `nextpick publish`.
    """
    from rich.console import Console

    from nextpick.data.incoming import EARLIEST
    from nextpick.stages import train
    from nextpick.store.connection import connect

    settings, console, now = load_settings(), Console(stderr=True), datetime.now(UTC)
    cutoff = now if until is None else until.replace(tzinfo=UTC)
    if cutoff > now:
        raise ConfigError(f"--until is {cutoff:%Y-%m-%d %H:%M} UTC, which has yet to come. Leave it out.")
    if cutoff < EARLIEST:
        raise ConfigError(f"--until is {cutoff:%Y-%m-%d}, and no event is from before {EARLIEST.year}. Leave it out.")
    with connect(settings.database()) if settings.database_url else nullcontext() as conn:
        run_id = f"cli.{now:%Y-%m-%dT%H.%M.%S.%f}"
        done = train.run(
            settings, conn, run_id=run_id, cutoff=cutoff, force=force, because=because, tell=lambda s: console.rule(s)
        )
    name = f"Version {done.version.version}"
    if done.promoted is None:
        console.print(
            f"No new data, or anything else new: {name.lower()} is this very model, and the champion already."
        )
    elif not done.promoted:
        raise GateRefused(f"{name} is registered, and stays a challenger. {' '.join(done.reasons)}")
    else:
        console.print(f"{name} is the champion. {' '.join(done.reasons)}", highlight=False, soft_wrap=True)
        console.print("Make lists with it: nextpick publish")
