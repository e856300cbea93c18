"""`nextpick keys`: who may call the API."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nextpick import account
from nextpick.commands.moments import at
from nextpick.keys import Scope, make
from nextpick.settings import load_settings

if TYPE_CHECKING:
    from nextpick.store.keys import Kept

keys = typer.Typer(
    help="List the keys of the API, or `add` and `revoke` one. A running API follows within some seconds."
)
Name = Annotated[str, typer.Argument(help="Who or what holds the key; metrics and errors name it so.")]


@keys.callback(invoke_without_command=True)
def every(context: typer.Context) -> None:
    """List the keys, those in use first."""
    if context.invoked_subcommand is not None:
        return
    from nextpick.store import keys as store
    from nextpick.store.connection import connect

    with connect(load_settings().database()) as conn:
        found = store.every(conn)
    if found:
        Console().print(_table(found))
    else:
        typer.echo("There is no key yet: `nextpick keys add NAME --scope serve` makes one.")


@keys.command()
def add(
    name: Name,
    scope: Annotated[
        list[Scope],
        typer.Option(
            help="serve: ask for recommendations and items. events: send events. admin: both, and all the rest. "
            "Give it again for another."
        ),
    ],
    per_second: Annotated[
        float | None,
        typer.Option(help="Most requests a second of each API process, twice that in a burst; any number if not set."),
    ] = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept. The key alone goes to standard output."""
    from nextpick.store import keys as store
    from nextpick.store.connection import connect

    key, text = make(name, scope, per_second)
    with connect(load_settings().database()) as conn:
        store.add(conn, key, made_by=account.name())
    typer.echo(f"Key {name} ({', '.join(sorted(key.scopes))}). Keep it now, it is not shown again:", err=True)
    typer.echo(text)
    typer.echo("Callers send it as the header X-API-Key.", err=True)


@keys.command()
def revoke(name: Name) -> None:
    """Take a key out of use. Asks nothing; cannot be undone, but another key may have the name then."""
    from nextpick.store import keys as store
    from nextpick.store.connection import connect

    with connect(load_settings().database()) as conn:
        key_id = store.revoke(conn, name)
    typer.echo(f"Key {name} (np_{key_id}_...) is revoked. Every API that reaches Postgres refuses it within seconds.")


def _table(found: "list[Kept]") -> Table:
    table = Table("name", "key", "scopes", "a second", "made", "by", "revoked", title="Keys of the API")
    for one in found:
        cells = (
            one.name,
            f"np_{one.key_id}_...",
            ", ".join(one.scopes),
            "any" if one.per_second is None else f"{one.per_second:g}",
            at(one.made_at),
            one.made_by,
            "" if one.revoked_at is None else at(one.revoked_at),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table
