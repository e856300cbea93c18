"""`nextpick publish`: lists for every user, live at once."""

from typing import TYPE_CHECKING, Annotated

import typer

from nextpick import account
from nextpick.commands.moments import at
from nextpick.errors import ConfigError, RegistryError
from nextpick.settings import load_settings

if TYPE_CHECKING:
    import psycopg


def publish(
    version: Annotated[str | None, typer.Option(help="A version of the registry; else the champion.")] = None,
    flip: Annotated[bool, typer.Option(help="Make the release live; else it is only made ready.")] = True,
    release: Annotated[int | None, typer.Option(help="Make this one live, which is there; compute nothing.")] = None,
    because: Annotated[
        str, typer.Option(help="Publish whatever stands against it; say why. Kept with your name.")
    ] = "",
) -> None:
    """Compute every user's list with the champion and make them live: readers see all of the release or none of it.

    Lists hold what happened up to the newest event, but for the last 15 minutes, in which events may still come in
    late; what a user did since then counts as the list is re-scored for each answer.

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
            typer.echo(_as_of(conn, release))
            return
        release_id = publish.run(conn, settings, version=version, flip=flip, who=who, because=because)
        if release_id is None:
            raise RegistryError("There is no champion yet. Train one: `nextpick train`.")
        typer.echo(f"Release {release_id} is {'live' if flip else 'ready, and not live'}.")
        typer.echo(_as_of(conn, release_id))


def _as_of(conn: "psycopg.Connection", release_id: int) -> str:
    from nextpick.store import standings

    cutoff = standings.get(conn, release_id).cutoff
    return f"Its lists are as of {at(cutoff)}; what a user did since counts as each answer is re-scored."
