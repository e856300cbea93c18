"""Stage: MLflow is brought to say what Postgres has decided, where a crash or an outage fell between the two."""

import psycopg
import structlog

from nextpick.settings import Settings
from nextpick.store import rejections, releases

log = structlog.get_logger()


def run(conn: psycopg.Connection | None, settings: Settings) -> None:
    """Mark the versions of rejected bundles rejected; where one of them is champion, make the live version that.

    To be called before anybody goes by MLflow's champion or its marks. Costs one query where nothing was ever gone
    back from; without a database there is nothing to settle.

    Raises: RegistryError.
    """
    if conn is None:
        return
    with conn.transaction():
        rejected, live = rejections.every(conn), releases.live(conn)
    if not rejected:
        return
    from nextpick import registry  # late: importing MLflow costs seconds, and there is seldom anything to settle

    for told in registry.settle(settings, rejected, None if live is None else live.model_version):
        log.warning("MLflow said otherwise than Postgres, and was put right", what=told)
