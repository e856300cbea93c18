"""A lane says what a cursor says, and is given up where its connection is no good any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import pq
from psycopg_pool import PoolTimeout

from nextpick.store import arrays
from serving.breaker import FAILURES
from serving.database import KNOCK_SECONDS, LANES, Database, Unavailable
from serving.lane import Lane

pytestmark = pytest.mark.anyio
ODD = "SELECT %(text)s::text, %(n)s::bigint, %(at)s::timestamptz, %(ids)s::text[], '{1,2}'::int4[], 5 %% 3, %(text)s"
PREPARED = "SELECT count(*) FROM pg_prepared_statements"
GIVEN = {"text": "50 % of \u2603", "n": 2**40, "at": datetime(2025, 1, 2, tzinfo=UTC), "ids": ["a", 'b"'], "spare": 1}


@pytest.fixture
async def lane(database_url: str) -> AsyncIterator[Lane]:
    conn = await psycopg.AsyncConnection.connect(database_url, autocommit=True, options="-c TimeZone=UTC")
    arrays.register(conn)
    made = Lane(conn)
    yield made
    made.close()
    await conn.close()


async def test_values_go_out_and_come_in_as_a_cursors_do(lane: Lane, conn: psycopg.Connection) -> None:
    arrays.register(conn)
    expected = conn.cursor(binary=True).execute(ODD, GIVEN).fetchone()
    assert expected is not None
    for _ in range(3):
        found = await lane.fetch_one(ODD, GIVEN, 3.0)
        assert found is not None
        assert [str(value) for value in found] == [str(value) for value in expected]
        assert [type(value) for value in found] == [type(value) for value in expected]


async def test_types_may_change_from_call_to_call(lane: Lane) -> None:
    for value in (1, 2**40, None, 7):
        assert await lane.fetch_one("SELECT %(n)s::bigint", {"n": value}, 3.0) == (value,)


async def test_no_row_is_none_and_no_result_too(lane: Lane) -> None:
    assert await lane.fetch_one("SELECT 1 WHERE false", {}, 3.0) is None
    assert await lane.fetch_one("SET search_path = nextpick", {}, 3.0) is None


async def test_a_fault_of_a_statement_is_psycopgs_and_the_lane_goes_on(lane: Lane) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        await lane.fetch_one("SELECT * FROM nowhere", {}, 3.0)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await lane.fetch_one("SELECT 1 / %(n)s::int", {"n": 0}, 3.0)
    assert not lane.broken
    assert await lane.fetch_one("SELECT 1", {}, 3.0) == (1,)


async def test_a_statement_whose_table_changed_works_again(lane: Lane, conn: psycopg.Connection) -> None:
    conn.execute("CREATE TABLE changing (a int)")
    conn.execute("INSERT INTO changing VALUES (1)")
    conn.commit()
    assert await lane.fetch_one("SELECT * FROM changing", {}, 3.0) == (1,)
    conn.execute("ALTER TABLE changing ADD COLUMN b text DEFAULT 'x'")
    conn.commit()
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        await lane.fetch_one("SELECT * FROM changing", {}, 3.0)
    assert await lane.fetch_one("SELECT * FROM changing", {}, 3.0) == (1, "x")
    assert await lane.fetch_one(PREPARED, {}, 3.0) == (2,)  # the new one, and this


async def test_a_statement_that_postgres_forgot_is_prepared_again(lane: Lane) -> None:
    assert await lane.fetch_one("SELECT 1", {}, 3.0) == (1,)
    assert await lane.fetch_one("SELECT 2", {}, 3.0) == (2,)
    lane.conn.pgconn.exec_(b"DEALLOCATE ALL")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        await lane.fetch_one("SELECT 1", {}, 3.0)
    assert await lane.fetch_one("SELECT 2", {}, 3.0) == (2,)
    assert await lane.fetch_one("SELECT 1", {}, 3.0) == (1,)


async def test_faults_of_what_they_are_given_leave_prepared_statements_as_they_are(lane: Lane) -> None:
    for _ in range(20):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await lane.fetch_one("SELECT 1 / %(n)s::int", {"n": 0}, 3.0)
        assert await lane.fetch_one("SELECT 2 / %(n)s::int", {"n": 1}, 3.0) == (2,)
    assert await lane.fetch_one(PREPARED, {}, 3.0) == (3,)


async def test_what_takes_too_long_is_not_waited_for(lane: Lane) -> None:
    with pytest.raises(TimeoutError):
        await lane.fetch_one("SELECT pg_sleep(30)", {}, 0.1)
    assert lane.broken


async def test_a_deadline_that_passes_as_a_statement_is_prepared_holds_for_its_answer(lane: Lane) -> None:
    """The loop is busy meanwhile, and then finds both: the answer to the first, and that it is too late."""
    asked = asyncio.create_task(lane.fetch_one("SELECT pg_sleep(%(n)s)", {"n": 20.0}, 0.1))
    await asyncio.sleep(0)
    time.sleep(0.3)  # keeps the loop busy
    with pytest.raises(TimeoutError):
        await asked
    assert lane.broken
    assert lane.conn.pgconn.transaction_status == pq.TransactionStatus.IDLE  # the statement never went out


async def test_a_connection_that_ends_breaks_the_lane_asked_or_not(lane: Lane, conn: psycopg.Connection) -> None:
    asked = asyncio.create_task(lane.fetch_one("SELECT pg_sleep(30)", {}, 20.0))
    await asyncio.sleep(0.2)
    conn.execute("SELECT pg_terminate_backend(%s)", (lane.conn.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError, match="terminat"):
        await asked
    assert lane.broken


async def test_an_idle_lane_hears_of_its_end(lane: Lane, conn: psycopg.Connection) -> None:
    assert await lane.fetch_one("SELECT 1", {}, 3.0) == (1,)
    conn.execute("SELECT pg_terminate_backend(%s)", (lane.conn.info.backend_pid,))
    for _ in range(100):
        if lane.broken:
            break
        await asyncio.sleep(0.05)
    assert lane.broken


async def test_once_a_large_parameter_is_out_nobody_waits_for_the_socket_to_take_more(
    lane: Lane, conn: psycopg.Connection
) -> None:
    """It nearly always would, and the loop would turn without rest until the answer is there."""
    slow = "SELECT length(%(text)s::text), pg_sleep(20)"
    asked = asyncio.create_task(lane.fetch_one(slow, {"text": "x" * 8_000_000}, 20.0))
    sleeping = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    while not asked.done() and conn.execute(sleeping, (lane.conn.info.backend_pid,)).fetchone() is None:
        conn.rollback()  # what a transaction sees of others' activity stays as it was
        await asyncio.sleep(0.02)
    assert not asyncio.get_running_loop().remove_writer(lane.conn.pgconn.socket)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_a_large_parameter_and_a_large_answer_pass(lane: Lane) -> None:
    text = "x" * 5_000_000
    assert await lane.fetch_one("SELECT %(text)s::text", {"text": text}, 20.0) == (text,)


async def test_who_is_cancelled_as_the_wait_for_a_lane_ends_is_cancelled_all_the_same() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    database._lanes = LANES  # all in use
    waiting = asyncio.create_task(database._lane(asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    database._queue[0].set_exception(TimeoutError())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_waits_for_a_lane_that_breaks_has_another(database_url: str, conn: psycopg.Connection) -> None:
    database = Database(database_url)
    await database.open()
    try:
        async with asyncio.timeout(20):
            slow = [
                asyncio.create_task(database.fetch_one("SELECT pg_sleep(60)", None, seconds))
                for seconds in [0.3] * LANES
            ]
            await asyncio.sleep(0.1)
            assert await database.fetch_one("SELECT 7", None, 15.0) == (7,)
            assert [type(end) for end in await asyncio.gather(*slow, return_exceptions=True)] == [Unavailable] * LANES
    finally:
        await database.close()


async def test_who_gives_up_a_write_leaves_nothing_running() -> None:
    database, ended = Database("postgresql://nobody@127.0.0.1:1/none"), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    waiting = asyncio.create_task(database._deadline(work(), 30.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(ended.wait(), 5.0)


async def test_a_statement_that_is_wrong_does_not_count_against_the_database(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    try:
        for _ in range(2 * FAILURES):
            with pytest.raises(psycopg.errors.UndefinedTable):
                await database.fetch_one("SELECT * FROM nowhere", None, 15.0)
        assert await database.fetch_one("SELECT 7", None, 15.0) == (7,)
    finally:
        await database.close()


async def test_a_postgres_that_is_back_is_used_at_once_though_all_lanes_wait_for_it(
    database_url: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(database_url)
    asked: list[float | None] = []

    async def getconn(seconds: float | None = None) -> psycopg.AsyncConnection:
        """Given up twice, as a pool does that connects to nothing; then there."""
        asked.append(seconds)
        if len(asked) <= 2 * LANES:
            raise PoolTimeout
        return await psycopg.AsyncConnection.connect(database_url, autocommit=True)

    monkeypatch.setattr(database._connections, "get", getconn)
    waiting = [asyncio.create_task(database.fetch_one("SELECT 7", None, 15.0)) for _ in range(LANES)]
    assert await asyncio.gather(*waiting) == [(7,)] * LANES
    assert set(asked) == {KNOCK_SECONDS}
    async with asyncio.timeout(60):  # one lane may have answered all, while the others were still being opened
        while len(database._free) < database._lanes:
            await asyncio.sleep(0.01)
    while database._free:
        await database._free.pop().conn.close()


async def test_nobody_waits_for_a_lane_for_those_who_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    asked = 0

    async def getconn(_: float) -> psycopg.AsyncConnection:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        raise PoolTimeout

    monkeypatch.setattr(database._connections, "get", getconn)
    with pytest.raises(Unavailable):
        await database.fetch_one("SELECT 7", None, 0.01)
    async with asyncio.timeout(10):
        while database._lanes:
            await asyncio.sleep(0.01)
    assert asked == 1
