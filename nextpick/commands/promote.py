"""`nextpick promote`: make a version champion by hand."""

from contextlib import nullcontext
from typing import Annotated

import typer

from nextpick.settings import load_settings


def promote(
    version: Annotated[str, typer.Argument(help="Its number, as `nextpick status` lists it.")],
    because: Annotated[str, typer.Option(help="Why; kept on the version.")],
) -> None:
    """Make a version the champion, whatever stands against it: an earlier one, or one the gate refused.

    Lists change only as they are made with it: `nextpick publish`.
    """
    from nextpick.stages import approve
    from nextpick.store.connection import connect

    settings = load_settings()
    with connect(settings.database()) if settings.database_url else nullcontext() as conn:
        approve.by_hand(settings, version, because, conn)
    typer.echo(f"Version {version} is the champion. Make lists with it: nextpick publish")
