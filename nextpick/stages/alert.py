"""Stage: tell people, and keep a record of what was told and what became of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from psycopg import Connection

from nextpick.drift import slack
from nextpick.drift.messages import Message
from nextpick.settings import Settings
from nextpick.store import alerts

log = structlog.get_logger()


def tell(
    settings: Settings, what: str, message: Message | str, database: Callable[[], AbstractContextManager[Connection]]
) -> str:
    """Send a message, record it where the database can be reached, and return what `slack.send` does. Never raises.

    `what` is drift, over, heartbeat, failure, late or notice; `database` opens a connection in no transaction.
    """
    outcome = slack.send(settings, message)
    said = message if isinstance(message, str) else message.text
    try:
        with database() as conn, conn.transaction():
            alerts.record(conn, what, said, outcome)
    except Exception as error:  # noqa: BLE001 - what is told of may be the database itself
        log.warning("alert not recorded", what=what, why=type(error).__name__)
    return outcome
