"""What a killed run left is found by its mark, and nobody else's process is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextpick.local import remains

STAY = "import time; print('up', flush=True); time.sleep(60)"


@contextmanager
def process(environment: dict[str, str], script: str = STAY) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()  # it runs, with its environment
        try:
            yield started
        finally:
            started.kill()


def test_a_marked_process_is_ended(tmp_path: Path) -> None:
    with process(remains.environment("token", tmp_path)):
        assert remains.end("token", tmp_path) == 1
        assert remains.find("token", tmp_path) == []


def test_a_child_that_went_its_own_way_carries_the_mark(tmp_path: Path) -> None:
    away = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STAY!r}], start_new_session=True)"
    with process(remains.environment("token", tmp_path), away) as gone:  # "up" is the child's word
        gone.wait()
        (found,) = remains.find("token", tmp_path)
        assert found.pid != gone.pid
        assert remains.end("token", tmp_path) == 1


def test_the_processes_of_other_clones_and_of_copies_are_left_alone(tmp_path: Path) -> None:
    others = ({}, remains.environment("other", tmp_path), remains.environment("token", tmp_path / "copy"))
    for environment in others:
        with process(environment) as other:
            assert remains.end("token", tmp_path) == 0
            assert other.poll() is None
