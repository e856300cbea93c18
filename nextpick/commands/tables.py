"""Tables as the commands draw them: narrow, without borders, and no cell in two lines."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def plain(title: str, *heads: str, right: Iterable[str] = ()) -> Table:
    """An empty one; the columns of the heads in `right` hold figures."""
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left")
    return table


def add(table: Table, *cells: str) -> None:
    """A row of cells that are told as they are, each whole in its line."""
    table.add_row(*(Text(cell, no_wrap=True) for cell in cells))
