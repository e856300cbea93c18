"""What the working tree holds: which commit, and what is not in it."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class State:
    """The last commit, and how the working tree differs from it; `diff` is empty where it does not."""

    sha: str
    diff: str


def state(project: Path, parts: Sequence[str]) -> State | None:
    """The state of those parts of a project, new files included, or None where no commit can be told."""
    if not (project / ".git").exists() or shutil.which("git") is None:
        return None
    try:
        sha = _git(project, "rev-parse", "HEAD").strip()
    except subprocess.CalledProcessError:
        return None
    changed = _git(project, "diff", "--no-ext-diff", "--binary", "HEAD", "--", *parts)
    new = _git(project, "ls-files", "--others", "--exclude-standard", "-z", "--", *parts).split("\0")
    return State(sha, changed + "".join(_added(project, file) for file in new if file))


def _added(project: Path, file: str) -> str:
    return _git(project, "diff", "--no-ext-diff", "--binary", "--no-index", "--", "/dev/null", file, fine=(0, 1))


def _git(project: Path, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
    """What a git command prints. The checkout may be another user's: its files are only read."""
    command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, check=False)
    if done.returncode not in fine:
        done.check_returncode()
    return done.stdout.decode(errors="replace")
