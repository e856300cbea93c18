"""One run a clone, whatever happened to the one before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nextpick.errors import LocalError
from nextpick.local import lock

HOLD = (
    "import sys; from pathlib import Path; from nextpick.local import lock\nwith lock.only_run(Path(sys.argv[1]), 'x'):"
)


def test_a_second_run_says_who_is_alive_and_does_not_start(tmp_path: Path) -> None:
    with (
        lock.only_run(tmp_path, "First"),
        pytest.raises(LocalError, match=rf"Nothing was started: a `make run` \(process {os.getpid()}, since .*Ctrl-C"),
        lock.only_run(tmp_path, "Nothing was started"),
    ):
        pass


def test_a_run_after_one_that_was_killed_starts(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", f"{HOLD} import os; os.kill(os.getpid(), 9)", tmp_path], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "run.json").exists()
    with lock.only_run(tmp_path, "Nothing was started"):
        pass
    assert not (tmp_path / "run.json").exists()
