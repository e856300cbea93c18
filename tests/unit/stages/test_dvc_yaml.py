"""dvc.yaml names all a stage's result depends on: DVC follows no imports and reads no code."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from nextpick.params import BEFORE_AND_AFTER, Params

ROOT = Path(__file__).resolve().parents[3]
STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
CANDIDATES = ROOT / "nextpick" / "models" / "candidates.py"  # imports what lies in a folder, by name
GENERATORS = frozenset((CANDIDATES.parent / "generators").glob("[a-z]*.py"))
ONLY_MESSAGES = {"nextpick/errors.py", "nextpick/__init__.py"}


def imported(file: Path) -> set[Path]:
    """The files of nextpick that a file imports, itself left out."""
    found = set(GENERATORS) if file == CANDIDATES else set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        paths = [ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in names if name.startswith("nextpick.")]
        found |= {path for path in paths if path.exists()}
    return found - {file}


def reached(file: Path) -> set[str]:
    """Every file of nextpick a file leans on, directly or not, and itself."""
    seen, waiting = set(), {file}
    while waiting:
        one = waiting.pop()
        seen.add(one)
        waiting |= imported(one) - seen
    return {str(path.relative_to(ROOT)) for path in seen}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_every_module_it_leans_on(stage: str) -> None:
    deps = STAGES[stage]["deps"]
    needed = reached(ROOT / "nextpick" / "stages" / f"{stage}.py") - ONLY_MESSAGES
    missing = [file for file in sorted(needed) if not any(file == dep or file.startswith(f"{dep}/") for dep in deps)]
    assert missing == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_nothing_it_does_not_reach(stage: str) -> None:
    needed = reached(ROOT / "nextpick" / "stages" / f"{stage}.py")
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith("nextpick/")]
    idle = [dep for dep in code if not any(file == dep or file.startswith(f"{dep}/") for file in needed)]
    assert idle == []


def test_every_parameter_that_changes_a_result_belongs_to_a_stage() -> None:
    named = {name.split(".")[0] for stage in STAGES.values() for name in stage["params"]}
    assert set(Params.model_fields) - named == BEFORE_AND_AFTER


def test_the_stages_run_as_modules_in_the_order_of_the_design() -> None:
    assert {name: stage["cmd"] for name, stage in STAGES.items()} == {
        name: f"python -m nextpick.stages.{name}" for name in ("data_prep", "train_collab", "train_ranker", "evaluate")
    }
