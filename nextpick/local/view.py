"""What the person at the terminal sees: a table that moves, or plain lines where there is no terminal."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import TextIO, cast

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

STYLES = {
    "ready": "green",
    "done": "green",
    "success": "green",
    "starting": "yellow",
    "running": "yellow",
    "failed": "red",
    "down": "red",
    "lost": "red",
}
SHOW_SECONDS = 0.5


@dataclass(frozen=True)
class Row:
    """One thing under way. `seconds` counts on in its state; None where time does not matter."""

    name: str
    state: str
    detail: str = ""
    seconds: float | None = None


class Output:
    """A stream that is silent once nobody reads it: what runs must be ended in order all the same."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """As of any stream."""
        with suppress(OSError):  # the pipe is broken, or the terminal is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any stream."""
        with suppress(OSError):
            self._stream.flush()

    def isatty(self) -> bool:
        """As of any stream."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """As of any stream."""
        return self._stream.fileno()


class View:
    """Used as a context. It redraws when told to, and has no thread of its own."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=cast(TextIO, Output(sys.stdout)), highlight=False, soft_wrap=True)
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._shown: dict[str, tuple[str, str]] = {}
        self._drawn = 0.0
        self._began = monotonic()

    def __enter__(self) -> "View":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays, with the seconds since the start before it."""
        self.console.print(Text(f"{monotonic() - self._began:6.1f}  {text}"))

    def show(self, rows: Iterable[Row]) -> None:
        """Draw the table anew, or where there is no terminal, say what is new in it."""
        rows = list(rows)
        if self._live.is_started:
            if monotonic() - self._drawn > SHOW_SECONDS:
                self._drawn = monotonic()
                self._live.update(_table(rows), refresh=True)
            return
        for row in rows:
            if row.state != "waiting" and self._shown.get(row.name) != (row.state, row.detail):
                self._shown[row.name] = (row.state, row.detail)
                self.say(f"{row.name}: {row.state}{f', {row.detail}' if row.detail else ''}")

    def clear(self) -> None:
        """Nothing is under way any more; from here on there are lines only."""
        self._shown.clear()
        self._live.stop()


def _table(rows: list[Row]) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.0f} s"
        table.add_row("", row.name, Text(row.state, STYLES.get(row.state, "dim")), Text(seconds, "dim"), row.detail)
    return table
