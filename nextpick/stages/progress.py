"""Progress on a terminal, on standard error; elsewhere nothing, for there the logs speak."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[float, int, str], None]


@contextmanager
def bar(what: str, unit: str = "rows") -> Iterator[Advance]:
    """A bar; call what is given with the share done so far, in [0, 1], how many units have just been done, and
    where that is ("" for nowhere)."""
    if not sys.stderr.isatty():
        yield lambda share, more, where: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    counted = TextColumn(f"{{task.fields[count]:,}} {unit} {{task.fields[where]}}")
    with Progress(*columns, counted, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=1.0, count=0, where="")

        def advance(share: float, more: int, where: str) -> None:
            progress.update(task, completed=share, count=progress.tasks[0].fields["count"] + more, where=where)

        yield advance


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """Something that moves while something of unknown length goes on."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield


def say(sentence: str) -> None:
    """A sentence on standard error, terminal or not; above a bar that moves."""
    Console(stderr=True, soft_wrap=True).print(sentence, highlight=False, markup=False)
