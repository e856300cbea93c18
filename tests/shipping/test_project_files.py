"""Workflows, hooks, changelog and docs: what they name is there, pinned, and of this version."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from nextpick import __version__
from nextpick.settings import Settings
from scripts import release_notes

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ship.md")


def test_every_action_is_pinned_by_its_commit() -> None:
    used = [use for file in WORKFLOWS for use in re.findall(r"uses: (\S+(?: #.*)?)", file.read_text())]
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


def test_ci_runs_every_python_that_the_project_says_it_takes() -> None:
    (test,) = [yaml.safe_load(file.read_text())["jobs"]["test"] for file in WORKFLOWS if file.stem == "ci"]
    least, most = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert test["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(int(least), int(most))]


def test_scripts_that_workflows_run_are_there_and_may_be_run() -> None:
    named = {name for file in WORKFLOWS for name in re.findall(r"\bscripts/[\w.]+", file.read_text())}
    assert named
    for name in named:
        assert (ROOT / name).exists(), name
    for script in (ROOT / "scripts").glob("*.sh"):
        assert script.stat().st_mode & 0o111 or script.name == "ci_tools.sh", script


def test_this_version_has_its_notes() -> None:
    assert PROJECT["version"] == __version__ == release_notes.version()
    assert release_notes.notes(f"v{__version__}", __version__, (ROOT / "CHANGELOG.md").read_text())


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v2.0", "## 1.0\nNew.\n", r"The tag is v2.0, and pyproject.toml says 1.0"),
        ("v1.0", "## 0.9\nNew.\n", r"nothing under ## 1.0"),
        ("v1.0", "## 1.0\n\n## 0.9\nNew.\n", r"nothing under ## 1.0"),
    ],
)
def test_a_tag_that_does_not_agree_is_refused(tag: str, changelog: str, said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        release_notes.notes(tag, "1.0", changelog)


def test_notes_end_where_the_next_version_begins() -> None:
    assert (
        release_notes.notes("v1.0", "1.0", "# Changes\n\n## 1.0\nNew.\n\n- More\n\n## 0.9\nOld.\n") == "New.\n\n- More"
    )


def test_hooks_call_programs_of_this_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert hook["language"] == "system"
        assert (Path(sys.executable).parent / Path(program).name).exists(), program
        assert [word for word in words if word.endswith(".py") and not (ROOT / word).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_or_a_heading(page: str) -> None:
    text = (ROOT / page).read_text()
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    files = [link.partition("#")[0] for link in links if not link.startswith("#")]
    assert [file for file in files if not ((ROOT / page).parent / file).exists()] == []
    assert {link[1:] for link in links if link.startswith("#")} <= headings


@pytest.mark.parametrize("page", PAGES)
def test_files_and_settings_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    files = re.findall(r"(?<![\w/.])((?:scripts|infra|tests|docs|serving|nextpick)/[\w./-]+\w)", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
    known = {f"NEXTPICK_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"(?<!_)NEXTPICK_[A-Z_]+[A-Z]", text)) <= known


def test_make_words_that_a_page_names_are_words() -> None:
    words = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {word for page in PAGES for word in re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text())}
    assert told
    assert told <= words


def test_the_outside_postgres_script_wants_a_server() -> None:
    done = subprocess.run([ROOT / "scripts" / "outside_postgres.sh"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "the URL of a superuser" in done.stderr
