"""A pipeline of two stages, small enough to run DVC on it many times."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nextpick.settings import Settings

DVC_YAML = """
stages:
  double:
    cmd: python -m nextpick.double
    deps: [nextpick/double.py, data/raw]
    outs: [data/doubled]
  count:
    cmd: python -m nextpick.count
    deps: [nextpick/count.py, data/doubled]
    params: [seed]
    outs: [models]
    metrics: [metrics.json: {cache: false}]
"""
DOUBLE = """
import sys, time
from pathlib import Path
from nextpick import errors
text = Path("data/raw/events.csv").read_text()
if text == "bad\\n":
    raise errors.DataError("There is nothing to double: take other data.")
if text == "worse\\n":
    sys.exit("no traceback at all")
if Path("slow").exists():
    print("sleeping", flush=True)
    time.sleep(600)
Path("data/doubled").mkdir()
Path("data/doubled/all").write_text(text * 2)
"""
COUNT = """
from pathlib import Path
lines = Path("data/doubled/all").read_text().count("\\n")
Path("models").mkdir()
Path("models/count").write_text(str(lines))
Path("metrics.json").write_text('{"lines": %d}' % lines)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a project of its own, without git, whose state lies beside it."""
    project = tmp_path / "project"
    (project / "nextpick").mkdir(parents=True)
    (project / "dvc.yaml").write_text(DVC_YAML)
    (project / "params.yaml").write_text("seed: 1\n")
    (project / "nextpick" / "__init__.py").touch()
    shutil.copy(Path(__file__).parents[3] / "nextpick" / "errors.py", project / "nextpick")
    (project / "nextpick" / "double.py").write_text(DOUBLE)
    (project / "nextpick" / "count.py").write_text(COUNT)
    (project / ".gitignore").write_text("__pycache__/\n")
    return Settings(_env_file=None, project=project, home=tmp_path / "home", git_sha="the-image's")


@pytest.fixture
def checkout(settings: Settings) -> Settings:
    """The same project as a git checkout with one commit."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *command], cwd=settings.project, check=True)
    return settings
