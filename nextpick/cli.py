"""The command line: does without Airflow what the DAGs do with it. `nextpick --help` teaches the rest."""

import sys

import typer

from nextpick.errors import NextPickError

app = typer.Typer(
    name="nextpick",
    help="Recommendations with the whole loop: load events, train, publish, serve, watch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run a command; a NextPickError is shown as it is, as it was written for the person who reads it."""
    try:
        app()
    except NextPickError as error:
        print(f"nextpick: {error}", file=sys.stderr)
        raise SystemExit(1) from None
