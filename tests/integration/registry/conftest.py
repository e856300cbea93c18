"""An MLflow of the test's own, and run folders as the pipeline leaves them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nextpick.models import manifest
from nextpick.settings import Settings

LINEAGE = {
    "run_id": "retrain.r1",
    "git_sha": "f" * 40,
    "dirty": "false",
    "data_md5": "0" * 32,
    "dvc_lock_md5": "1" * 32,
}


@pytest.fixture
def settings(empty_mlflow: Path, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_mlflow, home / "mlflow.db")
    return Settings(_env_file=None, home=home)


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], tuple[Path, str]]:
    """Makes a run folder whose bundle holds a text, and tells the bundle's sha256."""

    def make(text: str) -> tuple[Path, str]:
        folder = tmp_path / f"run {text}"
        sha256 = manifest.write({"ranker.txt": text.encode()}, folder / "models" / "bundle")
        (folder / "metrics.json").write_text('{"ndcg_at_10": 0.25, "users": 12}')
        (folder / "params.yaml").write_text("seed: 42\nals: {factors: 8}\n")
        (folder / "dvc.lock").write_text("schema: '2.0'\n")
        return folder, sha256

    return make
