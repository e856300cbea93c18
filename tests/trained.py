"""A bundle of the world of tests/published.py, trained by the very stages DVC runs, with small parameters."""

from pathlib import Path

import yaml

from nextpick.models import manifest
from nextpick.stages import data_prep, evaluate, train_collab, train_ranker
from nextpick.stages.evaluate import METRICS
from tests.published import Version, catalogue, interactions

PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"
SMALL = {
    "split": {"label_days": 28, "test_days": 14},
    "als": {"factors": 8, "iterations": 5, "regularization": 1.0},
    "ranker": {"trees": 20, "leaves": 7, "min_child_samples": 5},
    "evaluation": {"bootstrap_samples": 100},
}


def train(folder: Path, seen_policy: str = "allow") -> Version:
    """Run the stages under `folder` and name what they made as the registry would."""
    params = yaml.safe_load(PARAMS.read_text())
    for section, values in SMALL.items():
        params[section].update(values)
    params["scenarios"]["default"]["seen_policy"] = seen_policy
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))  # the pool's order is the features'
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    interactions().to_parquet(raw / "events.parquet", index=False)
    catalogue().to_parquet(raw / "items.parquet", index=False)
    for stage in (data_prep, train_collab, train_ranker, evaluate):
        stage.run(folder)
    return _version(folder)


def found(folder: Path) -> Version | None:
    """What `train` made there before, or None."""
    return _version(folder) if (folder / METRICS).exists() else None


def _version(folder: Path) -> Version:
    bundle_dir = folder / "models" / "bundle"
    return Version("1", bundle_dir, manifest.read(bundle_dir)[1], {"data_md5": "0" * 32, "git_sha": "f" * 40})
