"""`nextpick card`: the model card of a version."""

from typing import Annotated

import typer

from nextpick.card import TEXT
from nextpick.errors import RegistryError
from nextpick.settings import load_settings


def card(version: Annotated[str, typer.Argument(help="Its number; the newest when left out.")] = "") -> None:
    """Show a version's model card, and where it lies with its plots: what the gate measured, decided, and why."""
    from rich.console import Console
    from rich.markdown import Markdown

    from nextpick import registry

    settings, console = load_settings(), Console()
    if not version:
        newest = registry.newest(settings, 1)
        if not newest:
            raise RegistryError("There is no version yet: `nextpick train` makes one.")
        version = newest[0].version
    folder = registry.card(settings, version)
    console.print(Markdown((folder / TEXT).read_text()))
    console.print(f"With its plots: {folder / TEXT}", soft_wrap=True)
