"""A test that wants a tool skips without it, and in CI fails, so that nothing goes untested unseen."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST = "import pytest\n@pytest.mark.needs('no-such-tool', 'python3')\ndef test_x(): pass\n"


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_a_missing_tool_skips_here_and_fails_in_ci(tmp_path: Path, ci: str, outcome: str) -> None:
    (tmp_path / "test_x.py").write_text(TEST)
    words = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, tmp_path]
    done = subprocess.run(
        [*words, "-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=ROOT,
        env={"CI": ci, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert "needs no-such-tool: `make ci-tools` installs it" in done.stdout
