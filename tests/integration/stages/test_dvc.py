"""`dvc repro` on the project's own files: from a clean clone, with git or without."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.stages.conftest import SMALL
from tests.sample_slice import ROOT, SAMPLE, lines, write_params

PARTS = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "data/raw.dvc", "nextpick")


def run(folder: Path, *command: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project's files without git, and a slice of the sample in its place."""
    for part in PARTS:
        target = tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, target)
    (tmp_path / SAMPLE).parent.mkdir(parents=True)
    lines(600).to_parquet(tmp_path / SAMPLE, index=False)
    write_params(tmp_path, **SMALL)
    return tmp_path


def test_repro_fills_a_clean_clone_and_then_only_what_changed(clone: Path) -> None:
    dvc(clone, "repro")
    lock = yaml.safe_load((clone / "dvc.lock").read_text())
    about = json.loads((clone / "models" / "bundle" / "bundle.json").read_text())
    raw = next(dep for dep in lock["stages"]["data_prep"]["deps"] if dep["path"] == "data/raw")
    assert about["data_md5"] == raw["md5"], "the bundle names its data otherwise than DVC does"
    assert about["metrics"] == json.loads((clone / "metrics.json").read_text())

    write_params(clone, **{**SMALL, "ranker": {"trees": 20}})
    said = dvc(clone, "repro")
    states = {name: f"Running stage '{name}'" in said for name in lock["stages"]}
    assert states == {"data_prep": False, "train_collab": False, "train_ranker": True, "evaluate": True}

    write_params(clone, **SMALL)
    said = dvc(clone, "repro")
    assert "Running stage" not in said, "known results were computed again"
    assert yaml.safe_load((clone / "dvc.lock").read_text()) == lock


def test_repro_leaves_a_clone_as_git_knows_it(clone: Path) -> None:
    shutil.copy(ROOT / SAMPLE, clone / SAMPLE)
    shutil.copy(ROOT / SAMPLE.with_name("README.md"), clone / SAMPLE.parent)
    run(clone, "git", "init", "-q")
    run(clone, "git", "add", "-A")
    run(clone, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "as cloned")
    dvc(clone, "repro", "data_prep")
    assert (clone / "data" / "prepared" / "snapshot.json").exists()
    assert run(clone, "git", "status", "--porcelain") == ""
