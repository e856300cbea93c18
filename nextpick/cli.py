"""The command line: does without Airflow what the DAGs do with it. `nextpick --help` teaches the rest."""

import sys
from typing import Annotated

import typer

from nextpick.commands.backup import backup, restore
from nextpick.commands.card import card
from nextpick.commands.drift import drift
from nextpick.commands.erase import erase
from nextpick.commands.housekeep import housekeep
from nextpick.commands.keys import keys
from nextpick.commands.kpis import kpis
from nextpick.commands.load import load
from nextpick.commands.migrate import migrate
from nextpick.commands.promote import promote
from nextpick.commands.publish import publish
from nextpick.commands.recommend import recommend
from nextpick.commands.releases import releases
from nextpick.commands.replay import replay
from nextpick.commands.rollback import rollback
from nextpick.commands.split import split
from nextpick.commands.status import status
from nextpick.commands.train import train
from nextpick.commands.tune import tune
from nextpick.commands.why import why
from nextpick.errors import NextPickError
from nextpick.settings import load_settings

app = typer.Typer(
    name="nextpick",
    help="Recommendations with the whole loop: load events, train, publish, serve, watch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def up(
    once: Annotated[bool, typer.Option("--once", help="End everything once the recommendations are printed.")] = False,
    sample: Annotated[bool, typer.Option(help="Load the sample where there are no events yet.")] = True,
) -> None:
    """Run the whole platform on this machine (what `make run` does); Ctrl-C ends it."""
    from nextpick.local import up as local_up

    raise typer.Exit(local_up.run(load_settings(), once=once, sample=sample))


@app.command()
def clean() -> None:
    """Forget all data of this clone: databases, models, reports, logs, passwords. Asks nothing."""
    from nextpick.local import clean as local_clean

    local_clean.run(load_settings(), typer.echo)


app.command()(migrate)
app.command()(load)
app.command()(train)
app.command()(card)
app.command()(promote)
app.command()(publish)
app.command()(releases)
app.command()(rollback)
app.command()(split)
app.command()(recommend)
app.command()(why)
app.command()(status)
app.add_typer(keys, name="keys")
app.command()(replay)
app.command()(drift)
app.command()(kpis)
app.command()(tune)
app.command()(housekeep)
app.command()(erase)
app.command()(backup)
app.command()(restore)


def main() -> None:
    """Run a command; a NextPickError is shown as it is, as it was written for the person who reads it."""
    try:
        app()
    except NextPickError as error:
        print(f"nextpick: {error}", file=sys.stderr)
        raise SystemExit(1) from None
