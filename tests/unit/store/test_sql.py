"""Named queries are found, whole and without their comments."""

from pathlib import Path

import pytest

from nextpick.store import sql


def test_every_query_of_every_file_has_a_promise_and_a_body() -> None:
    for file in sql.QUERIES.glob("*.sql"):
        queries = sql.load(file.stem)
        assert len(queries) == file.read_text().count("-- name: ")
        for name, body in queries.items():
            assert body, f"{file.name}: {name} is empty"
            assert "--" not in body
            assert f"-- name: {name}\n-- " in file.read_text(), f"{file.name}: {name} promises nothing"


def test_a_name_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "QUERIES", tmp_path)
    (tmp_path / "twice.sql").write_text("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;\n")
    with pytest.raises(ValueError, match=r"twice.sql names a query twice: \['a', 'a'\]"):
        sql.load("twice")
