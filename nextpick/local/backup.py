"""Backup and restore of one installation: both databases, MLflow's files, bundles, DVC's remote, reports.

Passwords are not in it, nor is Airflow's own database: its runs are history, and a fresh one works on.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import conninfo_to_dict

import nextpick
from nextpick.errors import UpkeepError
from nextpick.local import archive, databases, dump, secrets
from nextpick.settings import Settings
from nextpick.store import retention
from nextpick.store.connection import connect
from nextpick.store.migrate import SCHEMA, head, migrate

FOLDERS = ("bundles", "mlflow/artifacts", "dvc/remote", "reports")  # below home
MLFLOW_SCHEMA = "public"
FILE, SERVED = "mlflow.db", "mlflow.dump"  # MLflow's database: of its library alone, and of its server
_PATHS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
}
Say = Callable[[str], None]


def save(settings: Settings, target: Path, *, now: datetime, say: Say) -> None:
    """Write a backup to the file `target`. Everything may run on meanwhile, housekeeping apart.

    Raises: UpkeepError; StoreError where Postgres is unreachable; ConfigError.
    """
    home = settings.home.resolve()
    target = target.resolve()
    if target.is_relative_to(home):
        raise UpkeepError(f"{target} lies in {home}, which `make clean` removes. Name a place elsewhere.")
    if target.exists():
        raise UpkeepError(f"{target} exists. Name another file, or remove it.")
    with _beside(target) as place:
        files = {"params.yaml": settings.project / "params.yaml", "nextpick.dump": place / "nextpick.dump"}
        dump.dump(settings.database(), SCHEMA, files["nextpick.dump"])
        files |= _save_mlflow(settings, home, place)
        for folder in FOLDERS:  # after the databases: what these name is there
            below = sorted(path for path in (home / folder).rglob("*") if path.is_file())
            files |= {f"home/{path.relative_to(home)}": path for path in below if not _is_draft(path.relative_to(home))}
        about = {
            "nextpick": nextpick.__version__,
            "revision": head(),
            "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "home": str(home),
            "dvc_remote": settings.dvc_remote or "home/dvc/remote",
        }
        size = archive.write(target, files, about)
    say(f"{target}: {len(files)} files, {size / 1e6:,.1f} MB, readable by you alone")
    if settings.dvc_remote:
        say(f"Not in it: DVC's remote {settings.dvc_remote}, which is kept where it is")


def load(settings: Settings, source: Path, *, over: bool = False, say: Say) -> None:
    """Put back what a backup holds. It is checked whole first. May be repeated where it failed half-way.

    Raises: UpkeepError where it is damaged, or where something is here already and `over` is False; StoreError.
    """
    home = settings.home.resolve()
    about = archive.check(source)
    _require_the_same_mlflow(settings, home, set(about["files"]))
    migrate(settings.database())
    if not over and (found := _what_is_here(settings, home)):
        raise UpkeepError(
            f"There is something here already: {', '.join(found)}. Restore into a fresh installation, or say that all "
            "of it is to be replaced: --over. Nothing was changed."
        )
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=home) as name:
        place = Path(name)
        archive.unpack(source, place)
        for folder in FOLDERS:
            _replace(place / "home" / folder, home / folder)
        _load_mlflow(settings, home, place, about["home"])
        dump.restore(settings.database(), SCHEMA, place / "nextpick.dump")
        migrate(settings.database())
        with connect(settings.database()) as conn:
            retention.move_bundles(conn, about["home"], str(home))
        if (place / "params.yaml").read_bytes() != (settings.project / "params.yaml").read_bytes():
            shutil.copy(place / "params.yaml", settings.project / "params.yaml.restored")
            say(f"params.yaml is another than that of the backup, which is now {settings.project}/params.yaml.restored")
    say(f"Restored {source}, made {about['made_at']} by NextPick {about['nextpick']}")


def _save_mlflow(settings: Settings, home: Path, place: Path) -> dict[str, Path]:
    """MLflow's database as a file, by its name in the backup."""
    if settings.mlflow_url is not None:
        dump.dump(_mlflow_database(settings, home), MLFLOW_SCHEMA, place / SERVED)
        return {SERVED: place / SERVED}
    if not (home / FILE).exists():
        return {}
    _copy_sqlite(home / FILE, place / FILE)
    return {FILE: place / FILE}


def _require_the_same_mlflow(settings: Settings, home: Path, names: set[str]) -> None:
    """Raises: UpkeepError where MLflow keeps its data in another way than where the backup was made."""
    if (FILE if settings.mlflow_url else SERVED) in names:
        raise UpkeepError(
            f"The backup was made {'without' if settings.mlflow_url else 'with'} MLflow's server, and here "
            f"NEXTPICK_MLFLOW_URL is {settings.mlflow_url or 'not set'}. Make it as it was there: `make run` starts "
            "and sets one. Nothing was changed."
        )
    if settings.mlflow_url:
        _mlflow_database(settings, home)


def _mlflow_database(settings: Settings, home: Path) -> str:
    """The URL of MLflow's database under `make run`. Raises: UpkeepError where MLflow is another's."""
    file = home / "secrets.json"
    if not file.exists():
        raise UpkeepError(
            f"MLflow at {settings.mlflow_url} is none of `make run`: there is no {file}. Back up its database and "
            "files where it runs, and NextPick's database with pg_dump."
        )
    there = conninfo_to_dict(settings.database()).get("port") or settings.postgres_port  # that run may have moved it
    return databases.url(int(there), "mlflow", secrets.load(file))


def _load_mlflow(settings: Settings, home: Path, place: Path, old_home: str) -> None:
    if (place / FILE).exists():
        _move_files(place / FILE, old_home, str(home))
        _copy_sqlite(place / FILE, home / FILE)
    if (place / SERVED).exists():
        dump.restore(_mlflow_database(settings, home), MLFLOW_SCHEMA, place / SERVED)


def _copy_sqlite(source: Path, target: Path) -> None:
    """A database in use as it is at one moment."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _move_files(file: Path, old_home: str, home: str) -> None:
    """Where MLflow's files lie, which its own SQLite database names from the root on."""
    with closing(sqlite3.connect(file)) as conn:
        for table, columns in _PATHS.items():
            for column in columns:
                query = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # noqa: S608 - names of ours
                conn.execute(query, (f"file://{old_home}/", f"file://{home}/"))
        conn.commit()


def _what_is_here(settings: Settings, home: Path) -> list[str]:
    with connect(settings.database()) as conn:
        found = [] if dump.is_empty(conn, SCHEMA) else ["rows in the database nextpick"]
    return found + [str(home / folder) for folder in FOLDERS if any((home / folder).glob("*"))]


def _replace(new: Path, old: Path) -> None:
    if old.exists():
        shutil.rmtree(old)
    if new.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        new.rename(old)


def _is_draft(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A private folder on the disk that the backup goes to."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".backup-", dir=target.parent) as name:
            yield Path(name)
    except OSError as error:
        raise UpkeepError(f"Cannot write in {target.parent}: {error.strerror}. Name another place.") from None
