"""`nextpick split`: let a challenger answer a share of the users."""

from typing import Annotated

import typer

from nextpick import account
from nextpick.errors import ConfigError
from nextpick.settings import load_settings


def split(
    release: Annotated[int | None, typer.Argument(help="The challenger, a release that is ready.")] = None,
    share: Annotated[float | None, typer.Option(help="Of the users, as .1 for one in ten.")] = None,
    shadow: Annotated[bool, typer.Option(help="Ask the challenger too, and show its answers to nobody.")] = False,
    off: Annotated[bool, typer.Option("--off", help="End it: the live release answers everybody again.")] = False,
    because: Annotated[str, typer.Option(help="Why; kept with your name.")] = "",
) -> None:
    """Split the traffic between the live release and a challenger, or say how it is split.

    A user is answered by the same one every time, whatever process is asked, and stays there while the share grows.
    Make the challenger ready: `nextpick publish --version V --no-flip`. Compare the two: `nextpick kpis`.
    """
    from nextpick.stages import split
    from nextpick.store import traffic
    from nextpick.store.connection import connect

    if off and (release is not None or share is not None or shadow):
        raise ConfigError("--off ends the split, so a release, --share and --shadow make no sense with it.")
    if (release is None) != (share is None):
        raise ConfigError("Name both, the challenger and its share: nextpick split RELEASE --share .1 --because WHY")
    settings, who = load_settings(), account.name()
    with connect(settings.database()) as conn:
        if off or (release is not None and share is not None):
            wanted = None if release is None or share is None else split.Wanted(release, share, shadow)
            said = split.ask(conn, settings, wanted, who=who, because=because)
        else:
            found = traffic.read(conn)
            said = split.told(found) if found else ["Traffic is not split: the live release answers everybody."]
    for line in said:
        typer.echo(line)
