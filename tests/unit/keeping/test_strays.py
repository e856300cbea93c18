"""What a report that was killed has left goes after a day, and nothing that a row names."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nextpick.keeping.folders import strays

NOW = datetime(2026, 1, 10, tzinfo=UTC)
NAMED = frozenset({"2026-01-01/050000.html"})


def left(folder: Path, path: str, days: int) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<html>")
    for one in (file, file.parent):
        os.utime(one, ((NOW - timedelta(days=days)).timestamp(),) * 2)
    return file


def test_what_no_row_names_goes_once_it_is_a_day_old_and_its_folder_after_it(tmp_path: Path) -> None:
    named = left(tmp_path, "2026-01-01/050000.html", 9)
    beside = left(tmp_path, "2026-01-01/.050000.html.77.tmp", 9)
    alone = left(tmp_path, "2026-01-02/050000.html", 8)
    fresh = left(tmp_path, "2026-01-10/.050000.html.78.tmp", 0)
    before = strays(tmp_path, NAMED, NOW, dry=True)
    assert all(file.exists() for file in (named, beside, alone, fresh))
    done = strays(tmp_path, NAMED, NOW, dry=False)
    assert sorted(done.said) == sorted(before.said)
    assert sorted(done.said) == ["stray 2026-01-01/.050000.html.77.tmp", "stray 2026-01-02/050000.html"]
    assert done.size == 12
    assert [file.exists() for file in (named, beside, alone, fresh)] == [True, False, False, True]
    strays(tmp_path, NAMED, NOW + timedelta(days=400), dry=False)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-01"]


def test_where_there_were_no_reports_nothing_goes(tmp_path: Path) -> None:
    assert strays(tmp_path / "none", frozenset(), NOW, dry=False).said == []
