"""`nextpick publish`: lists for every user, live at once."""

from typing import Annotated

import typer

from nextpick.errors import RegistryError
from nextpick.settings import load_settings


def publish(
    version: Annotated[str | None, typer.Option(help="A version of the registry; else the champion.")] = None,
    flip: Annotated[bool, typer.Option(help="Make the release live; else it is only made ready.")] = True,
) -> None:
    """Compute every user's list with the champion and make them live: readers see all of the release or none of it."""
    from nextpick.stages import publish
    from nextpick.store.connection import connect

    settings = load_settings()
    with connect(settings.database()) as conn:
        release_id = publish.run(conn, settings, version=version, flip=flip)
    if release_id is None:
        raise RegistryError("There is no champion yet. Train one: `nextpick train`.")
    typer.echo(f"Release {release_id} is {'live' if flip else 'ready, and not live'}.")
