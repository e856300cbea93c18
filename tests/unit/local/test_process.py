"""A process that we started does not outlive us."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

SPAWN = """
import sys, time
from pathlib import Path
from nextpick.local import process
child = process.spawn([sys.executable, "-c", "import time; time.sleep(60)"], {}, Path("log"), Path("."))
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_what_a_killed_run_started_ends_with_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SPAWN], cwd=tmp_path, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        child = psutil.Process(int(run.stdout.readline()))
        assert child.is_running()
        os.kill(run.pid, signal.SIGKILL)
    end = monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and monotonic() < end:
        sleep(0.05)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
