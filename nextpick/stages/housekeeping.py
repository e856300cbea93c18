"""Stage: what may go, goes; what must stay, stays. Each part is tried, whatever becomes of the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog

from nextpick.errors import NextPickError, UpkeepError
from nextpick.keeping import airflow, database, folders, models, snapshots
from nextpick.keeping.freed import Freed
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages.drift_report import folder as reports_folder
from nextpick.store import erasure, retention
from nextpick.store.transactions import step_by_step

Part = Callable[[], Freed]
log = structlog.get_logger()


@dataclass(frozen=True)
class Done:
    """A part of housekeeping: what it did, or why it could not."""

    name: str
    freed: Freed
    fault: str = ""


def run(conn: psycopg.Connection, settings: Settings, *, now: datetime, dry: bool = False) -> list[Done]:
    """Do every part, and say of each what it freed. With `dry` nothing is changed.

    `conn` is in no transaction. May be repeated, and after a crash goes on where it was. Nothing may run DVC meanwhile.

    Raises: ConfigError for bad params.yaml.
    """
    done = []
    with step_by_step(conn, "Housekeeping"):
        for name, part in _parts(conn, settings, now, dry):
            try:
                found = Done(name, part())
            except (NextPickError, psycopg.Error, OSError) as error:
                found = Done(name, Freed(), f"{error}" or type(error).__name__)
            done.append(found)
            _tell(found, dry)
    return done


def judge(done: list[Done]) -> None:
    """Raises: UpkeepError naming each part that failed, and each alarm."""
    faults = [f"{one.name}: {one.fault}" for one in done if one.fault]
    faults += [alarm for one in done for alarm in one.freed.alarms]
    if faults:
        raise UpkeepError(f"{' '.join(faults)} All the rest was done; see to it and run it again.")


def _parts(conn: psycopg.Connection, settings: Settings, now: datetime, dry: bool) -> Iterator[tuple[str, Part]]:
    kept = load_params(settings.project / "params.yaml").retention
    horizon = erasure.horizon(conn, now - timedelta(days=kept.erased_days))
    yield "partitions", lambda: database.months_ahead(conn, now, dry)
    yield "events", lambda: database.old_months(conn, "events", kept.events_days, now, dry)
    yield "impressions", lambda: database.old_months(conn, "impressions", kept.impressions_days, now, dry)
    yield "generations", lambda: database.generations(conn, kept.generations, horizon, dry)
    yield "erased users", lambda: database.erased(conn, dry)
    yield "quarantine", lambda: database.quarantine(conn, kept.quarantine_days, now, dry)
    yield "reports", lambda: database.reports(conn, reports_folder(settings), kept.reports_days, now, dry)
    yield "alerts", lambda: database.told(conn, kept.reports_days, now, dry)
    stay: list[models.Kept] = []

    def model_versions() -> Freed:
        versions, _ = retention.in_use(conn)
        stay.append(models.kept(settings, kept.models, versions, horizon))
        freed = models.remove(settings, stay[0], kept.models, dry)
        freed.alarms += [
            f"Version {late} is in use and was trained before users were erased on {horizon:%Y-%m-%d}, more than "
            f"{kept.erased_days} days ago: retrain, so that it can go."
            for late in stay[0].late
        ]
        return freed

    yield "models", model_versions
    yield "run folders", lambda: folders.runs(settings, kept.run_folders, now, horizon, dry)
    if stay:  # what MLflow keeps cannot be told where it is away

        def bundles() -> Freed:
            return folders.others(settings.home / "bundles", stay[0].bundles | retention.in_use(conn)[1], now, dry)

        yield "bundles", bundles
        yield "cards", lambda: folders.others(settings.home / "cards", stay[0].versions, now, dry)

        def data() -> Freed:
            newest = retention.newest_snapshots(conn, kept.snapshots, horizon)
            return snapshots.collect(settings, stay[0], newest, dry)

        yield "DVC", data
    yield "Airflow", lambda: airflow.clean(settings, kept.airflow_days, now, dry)


def _tell(done: Done, dry: bool) -> None:
    for alarm in done.freed.alarms:
        log.warning(alarm)
    if done.fault:
        log.error("not done", part=done.name, why=done.fault)
    elif done.freed.said:
        log.info("would go" if dry else "gone", part=done.name, bytes=done.freed.size, what=done.freed.said)
