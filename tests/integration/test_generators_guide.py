"""docs/generators.md does what it says: its file and its line of params make a generator that all tests try."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nextpick.params import GENERATORS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "generators.md").read_text()
USE = """
import sys
from pathlib import Path
import numpy as np
from nextpick.models import candidates
from nextpick.params import parse_params
from tests.worlds import checkerboard

params = parse_params(Path(sys.argv[1]).read_text())
board = checkerboard()
fitted = candidates.fit(board, params)["newcomers"]
again = candidates.load("newcomers", candidates.dump(fitted))
print(list(params.pool), np.nanargmax(again.scores(board, np.array([3, 4])), axis=1).tolist(), candidates.__file__)
"""


def test_every_generator_is_in_its_table() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) == GENERATORS


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the code with the guide's file and line in it."""
    for folder in ("nextpick", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (python,), (yaml,) = (re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.M | re.S) for kind in ("python", "yaml"))
    named = re.match(r"# (\S+)\n", python)
    assert named
    (tmp_path / named[1]).write_text(python)
    params = (ROOT / "params.yaml").read_text()
    assert yaml.startswith("pool:\n")
    # tests.worlds reads the params.yaml beside it
    (tmp_path / "params.yaml").write_text(re.sub(r"^pool:.*$", yaml.rstrip(), params, count=1, flags=re.M))
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_guides_file_and_line_add_a_generator_to_the_pool(project: Path) -> None:
    ran = run(project, "-c", USE, "params.yaml")
    assert ran.returncode == 0, ran.stderr
    assert "['newcomers', " in ran.stdout
    assert "[0, 0]" in ran.stdout  # item 0 was taken a day ago, the others before
    assert str(project) in ran.stdout  # the copy's code, not ours
