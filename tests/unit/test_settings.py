"""Settings are found where `make run` left them, also where .env moved everything elsewhere."""

from pathlib import Path

import pytest

from nextpick import settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "DATABASE_URL"):
        monkeypatch.delenv(f"NEXTPICK_{name}", raising=False)
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    monkeypatch.setitem(
        settings.Settings.model_config, "env_file", (tmp_path / ".nextpick/local.env", tmp_path / ".env")
    )
    return tmp_path


def test_what_make_run_left_is_found_in_the_home_that_env_names(project: Path) -> None:
    home = project / "elsewhere"
    home.mkdir()
    (project / ".env").write_text(f"NEXTPICK_HOME={home}\nNEXTPICK_API_PORT=9000\n")
    (home / "local.env").write_text("NEXTPICK_DATABASE_URL=postgresql://there/nextpick\nNEXTPICK_API_PORT=1\n")
    found = settings.load_settings()
    assert found.home == home
    assert found.database() == "postgresql://there/nextpick"
    assert found.api_port == 9000  # .env goes before what was left
