"""Long work beside the loop is awaited like any other, and keeps no process from ending."""

import asyncio
import subprocess
import sys
import threading

import pytest

from serving.aside import aside

pytestmark = pytest.mark.anyio
ENDING = """
import asyncio, time
from serving.aside import aside
async def main():
    task = asyncio.create_task(aside(lambda: time.sleep(600)))
    await asyncio.sleep(0.1)
    task.cancel()
asyncio.run(main())
"""


async def test_what_it_makes_and_what_it_raises_reach_who_waits() -> None:
    assert await aside(lambda: threading.current_thread().name) == "loading"

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await aside(fail)


async def test_who_waits_no_more_is_not_disturbed_by_its_end() -> None:
    go = threading.Event()
    task = asyncio.create_task(aside(go.wait))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert await aside(lambda: 1) == 1


def test_a_process_ends_though_it_is_not_done() -> None:
    subprocess.run([sys.executable, "-c", ENDING], check=True, timeout=60)
