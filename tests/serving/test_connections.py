"""Connections: an outage costs no memory that grows with it, and what an old pool has lent is still good."""

import asyncio

import psycopg
import pytest
from psycopg_pool import PoolClosed, PoolTimeout

from serving import connections
from serving.connections import Connections

pytestmark = pytest.mark.anyio


async def test_those_who_waited_in_vain_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "FORGOTTEN", 5)
    nowhere = Connections("postgresql://nobody@127.0.0.1:1/none", 1, 2)
    await nowhere.open()
    pools = set()
    for _ in range(23):
        with pytest.raises(PoolTimeout):
            await nowhere.get(0.001)
        pools.add(id(nowhere._pool))
        assert nowhere._pool.get_stats()["requests_waiting"] <= 5
    assert len(pools) > 1
    assert nowhere._lender == {}
    await nowhere.close()


async def test_who_waits_as_another_pool_takes_over_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "FORGOTTEN", 4)
    nowhere = Connections("postgresql://nobody@127.0.0.1:1/none", 1, 2)
    await nowhere.open()
    waiting = [asyncio.create_task(nowhere.get(30.0)) for _ in range(4)]
    await asyncio.sleep(0.1)
    with pytest.raises(PoolTimeout):
        await nowhere.get(0.001)
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in ended} == {PoolTimeout}
    await nowhere.close()
    with pytest.raises(PoolClosed):
        await nowhere.get(0.001)


async def test_what_was_lent_before_is_used_on_and_closed_when_it_comes_back(
    database_url: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FORGOTTEN", 1)
    here = Connections(database_url, 1, 1)
    await here.open()
    lent = await here.get(5.0)
    for _ in range(2):
        with pytest.raises(PoolTimeout):  # there is but one, and afterwards a pool that has another
            await here.get(0.001)
    other = await here.get(5.0)
    for one in (lent, other):
        assert await (await one.execute("SELECT 7")).fetchone() == (7,)
        await here.put(one)
    assert lent.closed
    assert not other.closed
    await here.close()
    assert other.closed
