"""Stage: a user is erased, and a receipt says what went, and by when what was made before goes too."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog

from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.store import erasure
from nextpick.store.erasure import Erased
from nextpick.store.transactions import step_by_step

log = structlog.get_logger()


@dataclass(frozen=True)
class Receipt:
    """`gone` at once; `copies_until` is when the last snapshot, bundle or list made before the erasure goes."""

    user_id: str
    gone: Erased
    copies_until: datetime

    def lines(self) -> list[str]:
        """For a person to read, or to hand on."""
        gone, at = self.gone, f"{self.gone.erased_at:%Y-%m-%d %H:%M:%S} UTC"
        return [
            f"Erased {self.user_id} at {at}. From then on the user is unknown to every answer, list and training.",
            f"Deleted at once: {gone.events} events, {gone.impressions} answers, {gone.lists} lists, {gone.quarantine} "
            f"rejected rows, {gone.comparisons} mentions in comparisons.",
            f"By {self.copies_until:%Y-%m-%d}: what was made before and may name the user, that is DVC's snapshots, "
            "model bundles with their MLflow runs, and copies of the pipeline. Housekeeping removes them, and raises "
            "an alarm where the live model is so old that it has to be retrained first.",
            "Not within NextPick's reach: backups made before, and files the events were loaded from. After a backup "
            "is restored, erase again.",
            "Kept: the user's id and the moment, so that nothing brings the user back. What the user does later begins "
            "a new history.",
        ]


def run(conn: psycopg.Connection, settings: Settings, user_id: str) -> Receipt:
    """Erase a user, in one transaction. Who is unknown is erased all the same: a late event must not come in.

    Raises: StoreError where `conn` is in a transaction; ConfigError for bad params.yaml.
    """
    days = load_params(settings.project / "params.yaml").retention.erased_days
    with step_by_step(conn, "An erasure"), conn.transaction():
        gone = erasure.erase(conn, user_id)
    log.info("a user was erased", **{name: value for name, value in vars(gone).items() if name != "erased_at"})
    return Receipt(user_id, gone, gone.erased_at + timedelta(days=days + 1))  # housekeeping runs once a day
