"""`nextpick publish`: lists for every user, live at once."""

from typing import Annotated

import typer

from nextpick import account
from nextpick.errors import ConfigError, RegistryError
from nextpick.settings import load_settings


def publish(
    version: Annotated[str | None, typer.Option(help="A version of the registry; else the champion.")] = None,
    flip: Annotated[bool, typer.Option(help="Make the release live; else it is only made ready.")] = True,
    release: Annotated[int | None, typer.Option(help="Make this one live, which is there; compute nothing.")] = None,
    because: Annotated[
        str, typer.Option(help="Publish whatever stands against it; say why. Kept with your name.")
    ] = "",
) -> None:
    """Compute every user's list with the champion and make them live: readers see all of the release or none of it.

    A release that changes too much (publish in params.yaml) is blocked, and what is live stays.
    """
    from nextpick.stages import go_live, publish
    from nextpick.store.connection import connect

    settings, who = load_settings(), account.name()
    if release is not None and (version or not flip):
        raise ConfigError("--release names a release that is there, so --version and --no-flip make no sense with it.")
    with connect(settings.database()) as conn:
        if release is not None:
            done = publish.again(conn, settings, release, who=who, because=because)
            for line in go_live.told(done):
                typer.echo(line)
            return
        release_id = publish.run(conn, settings, version=version, flip=flip, who=who, because=because)
    if release_id is None:
        raise RegistryError("There is no champion yet. Train one: `nextpick train`.")
    typer.echo(f"Release {release_id} is {'live' if flip else 'ready, and not live'}.")
