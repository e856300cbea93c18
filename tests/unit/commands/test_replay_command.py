"""`nextpick replay` plays to the API that `make run` started, whatever its port."""

from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.stages import replay
from nextpick.store import connection


@pytest.mark.parametrize(
    ("words", "target"),
    [((), "http://127.0.0.1:9000"), (("--api", "http://127.0.0.1:9001"), "http://127.0.0.1:9001")],
)
def test_the_api_is_where_the_settings_or_the_option_say(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], target: str
) -> None:
    asked: list[str] = []

    def run(_: object, __: object, api: tuple[str, str | None], **___: Any) -> replay.Report:
        asked.append(api[0])
        return replay.Report(1, (), 0, stopped=False)

    monkeypatch.setattr(replay, "run", run)
    monkeypatch.setattr(connection, "connect", lambda _: nullcontext())
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("NEXTPICK_API_URL", "http://127.0.0.1:9000/")
    assert CliRunner().invoke(app, ["replay", *words]).exit_code == 0
    assert asked == [target]
