"""How a long job commits: step by step, on a connection it was handed in no transaction, never queueing for a lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

import psycopg
from psycopg.pq import TransactionStatus

from nextpick.errors import StoreError

# Readers queue behind whoever waits for a table's lock, so never wait long: give up, let them pass, try again.
LOCK_TIMEOUT = "200ms"
LOCK_TRIES = 50


def require_idle(conn: psycopg.Connection, what: str) -> None:
    """Raises: StoreError where `conn` is inside a transaction, which `what` would commit unasked."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise StoreError(
            f"{what} commits as it goes, so it needs a connection without an open transaction. "
            "Commit or roll back first."
        )


@contextmanager
def step_by_step(conn: psycopg.Connection, what: str) -> Iterator[None]:
    """Autocommit while it lasts, so that each step of `what` is a transaction; `conn` is left as it came.

    Raises: StoreError where `conn` is inside a transaction.
    """
    require_idle(conn, what)
    before, conn.autocommit = conn.autocommit, True
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status == TransactionStatus.IDLE:
            conn.autocommit = before


def with_lock_retry(conn: psycopg.Connection, step: Callable[[], object], what: str) -> None:
    """Run `step` under a short lock_timeout, again and again while somebody holds the lock. `conn` is in autocommit.

    Raises: StoreError naming `what` when the lock never came free.
    """
    conn.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_TIMEOUT,))
    try:
        for attempt in range(LOCK_TRIES):
            try:
                step()
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                sleep(min(0.05 * 2**attempt, 1.0))
            else:
                return
    finally:
        if not conn.closed:  # or its own error would hide that of the step
            conn.execute("SELECT set_config('lock_timeout', '0', false)")
    raise StoreError(
        f"Could not {what}: another session holds a lock in the way for longer than {LOCK_TRIES} tries. "
        "Look for a long transaction in pg_stat_activity, end it, and try again."
    )


@contextmanager
def room(so: str) -> Iterator[None]:
    """A full disk of Postgres is said plainly; `so` says what that hinders. Raises: StoreError."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(
            f"The disk of Postgres is full, so {so}: {reason}. What was live stays live. Make room, then run it again: "
            "blocks that are done are not done again."
        ) from None
