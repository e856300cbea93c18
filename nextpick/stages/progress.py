"""Progress on a terminal, on standard error; elsewhere nothing, for there the logs speak."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextmanager
def bar(what: str, unit: str = "rows") -> Iterator[Callable[[float, int], None]]:
    """A bar; call what is given with the share done so far, in [0, 1], and how many units have just been done."""
    if not sys.stderr.isatty():
        yield lambda share, more: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn(f"{{task.fields[count]:,}} {unit}"), console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=1.0, count=0)

        def advance(share: float, more: int) -> None:
            progress.update(task, completed=share, count=progress.tasks[0].fields["count"] + more)

        yield advance


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """Something that moves while something of unknown length goes on."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield
