"""Where there is no terminal, what is new is said once, line by line."""

import re
from io import StringIO
from typing import TextIO, cast

from rich.console import Console

from nextpick.local.view import Output, Row, View


def lines(*tables: list[Row]) -> list[str]:
    out = StringIO()
    with View(Console(file=out, force_terminal=False, width=200)) as view:
        for rows in tables:
            view.show(rows)
    return [re.sub(r"^ *\d+\.\d  ", "", line) for line in out.getvalue().splitlines()]


def test_a_row_is_said_when_its_state_or_detail_changes() -> None:
    first = Row("retrain", "running", "train_collab", 1.0)
    assert lines([first], [Row("retrain", "running", "train_collab", 2.0)], [Row("retrain", "success")]) == [
        "retrain: running, train_collab",
        "retrain: success",
    ]


def test_what_only_waits_is_not_said() -> None:
    assert lines([Row("precompute", "waiting")]) == []


class Gone(StringIO):
    """A terminal that was closed."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_when_nobody_reads_any_more_it_goes_on_in_silence() -> None:
    with View(Console(file=cast(TextIO, Output(Gone())))) as view:
        view.say("a word")
        view.console.print("another")
