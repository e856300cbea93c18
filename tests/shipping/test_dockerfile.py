"""The Dockerfile, as far as it can be told without building it; scripts/image_check.sh builds it."""

import fnmatch
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
LINES = [line for line in re.sub(r"\\\n\s*", " ", TEXT).splitlines() if line and not line.startswith("#")]
STAGES = [line.split()[-1] for line in LINES if line.startswith("FROM ")]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_docker_build_makes_without_a_word_is_the_api() -> None:
    assert STAGES[-1] == "serving"
    assert "airflow" in STAGES


def test_every_stage_stands_on_one_base_of_a_stated_version() -> None:
    bases = {line.split()[1] for line in LINES if line.startswith("FROM ")} - set(STAGES)
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.1[123]-slim-bookworm(@sha256:[0-9a-f]{64})?", bases.pop())


def test_both_images_end_as_the_same_nobody() -> None:
    assert [line for line in LINES if line.startswith("USER ")] == ["USER 10001:10001"] * 2


def ignored(path: str) -> bool:
    """What .dockerignore says, whose last word that fits counts."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, keep = line.removeprefix("!"), line.startswith("!")
        parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
        if any(fnmatch.fnmatch(one, pattern.replace("**/", "*")) for one in parents):
            verdict = not keep
    return verdict


def test_what_is_copied_is_there_and_not_ignored() -> None:
    sources = [
        source
        for line in LINES
        if line.startswith("COPY ") and "--from" not in line
        for source in shlex.split(line)[1:-1]
        if source != "."
    ]
    assert "serving/requirements.txt" in sources
    assert [source for source in sources if not (ROOT / source).exists() or ignored(source)] == []


def test_no_secret_and_no_history_can_get_in() -> None:
    for path in (
        ".env",
        ".git/config",
        ".nextpick/secrets.json",
        ".nextpick/local.env",
        "tests/conftest.py",
        ".venv/x",
    ):
        assert ignored(path), path
    assert not ignored("nextpick/settings.py")
    assert not ignored("dvc.yaml")


def test_all_that_a_pipelines_run_copies_is_in_airflows_image() -> None:
    from nextpick import pipeline

    assert [part for part in pipeline.PARTS if (ROOT / part).exists() and ignored(part)] == []
