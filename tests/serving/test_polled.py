"""What is polled together is polled at the same moments, whenever each process began."""

import asyncio
from typing import Any

import pytest

from serving import polled
from serving.polled import Polled

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("together", "slept"), [(True, 23.0), (False, 30.0)])
async def test_processes_that_began_at_other_moments_meet(
    monkeypatch: pytest.MonkeyPatch, together: bool, slept: float
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    class Nobody:
        async def fetch_one(self, *_: Any) -> tuple[int]:
            return (7,)

    taken: list[Any] = []
    monkeypatch.setattr(polled, "time", lambda: 1_000_000_027.0)  # 7 seconds past a multiple of 30
    monkeypatch.setattr(polled.asyncio, "sleep", sleep)
    one = Polled(Nobody(), "", taken.append, 30.0, 5.0, together=together)  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await one.run()
    assert (taken, pauses) == ([(7,)], [slept])
