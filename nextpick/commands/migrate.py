"""`nextpick migrate`: a database made ready for this version, without `make run`."""

import typer

from nextpick.settings import load_settings


def migrate() -> None:
    """Bring the database to the schema this version needs; what `make run` does as it starts.

    All that is lacking is applied in one transaction, or nothing. Run it again, or on two machines at once: it does no
    harm. A migration only adds, so migrate first and upgrade machines after.
    """
    from nextpick.store.connection import place
    from nextpick.store.migrate import migrate as apply

    url = load_settings().database()
    before, after = apply(url)
    if before == after:
        typer.echo(f"{place(url)} is at revision {after} already; there is nothing to do.")
    else:
        typer.echo(f"Migrated {place(url)} from {f'revision {before}' if before else 'nothing'} to revision {after}.")
