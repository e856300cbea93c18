"""`nextpick rollback`: go back to an earlier release."""

from time import perf_counter
from typing import Annotated

import typer

from nextpick import account
from nextpick.settings import load_settings


def rollback(
    because: Annotated[str, typer.Option(help="Why; kept with your name.")],
    release: Annotated[
        int | None, typer.Argument(help="Its number; the newest before the live one when left out.")
    ] = None,
) -> None:
    """Go back to an earlier release: model, lists, items and features at once.

    The release that is left never comes back by itself, nor does its model where the earlier one has another.
    """
    from nextpick.stages import rollback
    from nextpick.store.connection import connect

    start, settings = perf_counter(), load_settings()
    with connect(settings.database()) as conn:
        done = rollback.run(conn, settings, release, who=account.name(), because=because)
    for line in rollback.told(done):
        typer.echo(line)
    typer.echo(f"All of it took {perf_counter() - start:.1f} s.")
