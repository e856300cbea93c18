"""`nextpick releases` and `nextpick status` on a terminal of 80 columns: no cell is cut or goes on in the next line."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from nextpick.commands import releases, status
from nextpick.commands.moments import short
from nextpick.registry import ModelVersion
from nextpick.store.pipeline_runs import Last
from nextpick.store.release_log import Entry
from nextpick.store.standings import Standing
from nextpick.store.status import Release

NOW = datetime(2026, 11, 28, 20, 30, tzinfo=UTC)
NIGHT = NOW - timedelta(hours=15)
RUN = "scheduled__2026-11-28T05:00:00+00:00_Ab3dEf"
BLOCKED = "4.2% of the first 10 items are the same, on average; at least 10.0% must be (publish.min_overlap: 0.1)."


def standing(number: int, state: str, reasons: tuple[str, ...] = (), rejected: str = "") -> Standing:
    live, when = state == "live", NIGHT - timedelta(days=400 * (number == 1))
    size = (1_234_567, 9_876_543_210)
    of = ("ready" if live else state, live, str(number), "", "", when, when, *size)
    return Standing(number, *of, reasons, rejected, 0.97, True, RUN, live)


FOUND = [standing(1234, "blocked", (BLOCKED,)), standing(1233, "live"), standing(1, "building", (), "anna: complaints")]


def drawn(table: Table, width: int = 80) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_a_release_is_a_line(width: int) -> None:
    assert [" ".join(line.split()) for line in drawn(releases._table(FOUND, NOW), width)[3:]] == [
        "1234 blocked 1234 1,234,567 28 Nov 05:30 28 Nov 05:30 9.9 GB 0.97",
        "1233 live 1233 1,234,567 28 Nov 05:30 28 Nov 05:30 9.9 GB 0.97",
        "1 building 1 1,234,567 24 Oct 2025 24 Oct 2025 9.9 GB 0.97",
    ]


def test_what_stands_against_a_release_is_a_sentence() -> None:
    assert list(releases._why(FOUND)) == [
        f"Release 1234 is blocked: {BLOCKED}",
        "Release 1 is building: version 1 was gone back from: anna: complaints",
    ]


def test_who_did_what_is_a_sentence_beside_its_moment() -> None:
    log = [
        Entry(NIGHT, RUN, "publish", 1233, 1234, "a reason as long as it takes " * 3),
        Entry(NIGHT, "anna", "unsplit", 7, None, ""),
    ]
    lines = drawn(releases._log(log, NOW))[4:]
    assert lines[0].startswith(f"28 Nov 05:30  {RUN}: publish from 1233 to")
    assert lines[-1] == "28 Nov 05:30  anna: unsplit from 7"
    assert all(line.startswith(("28 Nov 05:30  ", " " * 14)) for line in lines)


def test_status_has_a_line_a_run_a_release_and_a_model() -> None:
    runs = [
        Last("retrain", "success", NIGHT - timedelta(seconds=3723), NIGHT, NIGHT),
        Last("tune", "failed", None, NIGHT, None),
    ]
    assert [" ".join(line.split()) for line in drawn(status._runs(runs, NOW))[4:]] == [
        "retrain success 28 Nov 05:30 3,723 s",
        "tune failed 28 Nov 05:30",
    ]
    newest = Release(1234, "1234", "challenger", False, 1_234_567, NIGHT, NIGHT)
    assert drawn(status._releases([newest], NOW))[4].split()[:4] == ["1234", "1234", "challenger", "1,234,567"]
    made = ModelVersion("1234", Path(), "", {"run_id": RUN}, NIGHT, frozenset({"champion"}), "refused", forced="why")
    assert " ".join(drawn(status._versions([made], NOW))[4].split()) == "1234 champion refused, forced 28 Nov 05:30"


def test_a_moment_of_long_ago_has_its_year() -> None:
    assert [short(NOW - timedelta(days=days), NOW) for days in (1, 300)] == ["27 Nov 20:30", "01 Feb 2026"]
