"""`nextpick erase`: users who asked to be forgotten."""

from typing import Annotated

import typer

from nextpick.settings import load_settings


def erase(user_ids: Annotated[list[str], typer.Argument(help="Ids of users, as the events have them.")]) -> None:
    """Forget users: unknown at once, all rows deleted. Prints a receipt for each. Asks nothing; cannot be undone."""
    from nextpick.stages import erase
    from nextpick.store.connection import connect

    settings = load_settings()
    with connect(settings.database()) as conn:
        for user_id in user_ids:
            typer.echo("\n".join(erase.run(conn, settings, user_id).lines()))
