"""Work in a process of its own: whatever becomes of it, there is an answer."""

import os
import signal
import sys
import threading

import numpy as np
import pytest

from benchmarks.yardstick.isolated import isolated
from nextpick.errors import ConfigError


def doubled(job: int) -> dict[str, int]:
    return {"twice": 2 * job}


def refusing(_: int) -> dict[str, int]:
    raise ConfigError("this cannot be: ask for less")


def endless(_: int) -> dict[str, int]:
    threading.Event().wait()
    return {}


def killed(_: int) -> dict[str, int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def greedy(_: int) -> dict[str, int]:
    return {"sum": int(np.ones(10**9, np.float64).sum())}


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        (doubled, {"twice": 14}),
        (refusing, {"error": "this cannot be: ask for less"}),
        (killed, {"error": "its process ended by SIGKILL"}),
    ],
)
def test_the_answer_says_what_became_of_it(work: object, answer: dict[str, object]) -> None:
    assert isolated(work, 7, 120, 4) == answer  # type: ignore[arg-type]


def test_what_takes_too_long_is_stopped_and_said() -> None:
    answer = isolated(endless, 7, 0.1, 4)
    assert answer == {"error": "not done after 0.001667 minutes; allow more with --timeout-minutes"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits it")
def test_what_takes_too_much_memory_is_stopped_and_said() -> None:
    assert "needs more than the 3 GB it may have: Unable to allocate" in isolated(greedy, 7, 120, 3)["error"]
