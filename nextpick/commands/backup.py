"""`nextpick backup` and `nextpick restore`: all that cannot be computed again, in one file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from nextpick.settings import load_settings


def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]) -> None:
    """Write databases, models and snapshots to one file, while everything runs on."""
    from nextpick.local import backup as local_backup

    local_backup.save(load_settings(), file, now=datetime.now(UTC), say=typer.echo)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    over: Annotated[bool, typer.Option("--over", help="Replace what is here.")] = False,
) -> None:
    """Put a backup back, into a fresh installation; `make run ARGS=--no-sample` starts one."""
    from nextpick.local import backup as local_backup

    local_backup.load(load_settings(), file, over=over, say=typer.echo)
