"""Stage: a user is erased, and a receipt says what went, and by when what was made before goes too."""

import psycopg
import structlog

from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.store import erasure
from nextpick.store.erasure import Receipt

log = structlog.get_logger()


def run(conn: psycopg.Connection, settings: Settings, user_id: str) -> Receipt:
    """Erase a user, in one transaction. Who is unknown is erased all the same: a late event must not come in.

    Raises: StoreError where `conn` is in a transaction; ConfigError for bad params.yaml.
    """
    days = load_params(settings.project / "params.yaml").retention.erased_days
    receipt = erasure.forget(conn, user_id, days)
    log.info("a user was erased", **receipt.gone.counts)
    return receipt
