"""A Postgres server of the tests' own, started by whoever needs it first and ended with the session."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from nextpick.local import ports, postgres
from nextpick.settings import Settings
from nextpick.store.migrate import migrate
from tests.orchestrated import make_home
from tests.published import Version

for variable in [name for name in os.environ if name.startswith(("NEXTPICK_", "AIRFLOW_", "MLFLOW_"))]:
    del os.environ[variable]  # whatever the machine is set up for, the tests are not
Settings.model_config["env_file"] = None  # nor what a `make run` left in this folder
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy; implicit is 2-3 times slower without

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
hypothesis_settings.load_profile("untimed")

FOLDER = "PYTEST_NEXTPICK_FOLDER"  # of this session; xdist's workers inherit it
PREFIX = "nextpick-tests-"
PASSWORD = "test"
TEMPLATE = "template"
_numbers = count()
_started: list[subprocess.Popen[bytes]] = []  # a process object that is thrown away while the process runs warns


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*tools): programs that `make ci-tools` installs; in CI they must be there"
    )
    # FastAPI silences it itself, for the whole process: a thread that does the same meanwhile lets it through again
    config.addinivalue_line("filterwarnings", "ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
    if not hasattr(config, "workerinput"):
        _end_abandoned()
        os.environ[FOLDER] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        Path(os.environ[FOLDER]).chmod(0o711)  # Postgres, which is not us where we are root, has its folder inside
    make_home(Path(os.environ[FOLDER]) / f"airflow-{os.getpid()}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without a tool a test skips and says why; where CI is set, it fails."""
    wanted = {tool for mark in item.iter_markers("needs") for tool in mark.args}
    if missing := sorted(tool for tool in wanted if shutil.which(tool) is None):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"needs {', '.join(missing)}: `make ci-tools` installs it"
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        for process in _started:
            process.returncode = 0  # the controller ends it; an object that thinks it runs would warn
    elif FOLDER in os.environ:
        _end(Path(os.environ.pop(FOLDER)))


def _end(folder: Path) -> None:
    for process in _started:
        postgres.stop(process)
    postgres.end_left_behind(postgres.Cluster(folder / "postgres"))
    shutil.rmtree(folder, ignore_errors=True)


def _end_abandoned() -> None:
    """What a killed session left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _end(folder)


@pytest.fixture(scope="session")
def version() -> Version:
    """A trained bundle of the world of tests/published.py, as the registry would name it; only to be read."""
    return _trained("allow")


@pytest.fixture(scope="session")
def excluding() -> Version:
    """The same for shops that never show what a user has."""
    return _trained("exclude")


@pytest.fixture(scope="session")
def empty_mlflow() -> Path:
    """MLflow's tables in a SQLite file, to be copied; made, in seconds, by whichever worker asks first."""
    folder = Path(os.environ[FOLDER]) / "mlflow"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            from nextpick import registry

            assert registry.champion(Settings(_env_file=None, home=folder)) is None
    return folder / "mlflow.db"


def _trained(seen_policy: str) -> Version:
    """Trained by whichever worker asks first."""
    from tests import trained

    folder = Path(os.environ[FOLDER]) / "bundles" / seen_policy
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        return trained.found(folder) or trained.train(folder, seen_policy)


@pytest.fixture(scope="session")
def server_url() -> str:
    """The superuser's URL of the session's server, with a migrated TEMPLATE database."""
    folder = Path(os.environ[FOLDER])
    with FileLock(folder / "lock"):
        note = folder / "url"
        if not note.exists():
            note.write_text(_start(folder))
        return note.read_text()


def _start(folder: Path) -> str:
    cluster = postgres.Cluster(folder / "postgres")
    postgres.create(cluster, PASSWORD, durable=False)
    port = ports.free()
    quick = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
    _started.append(postgres.start(cluster, port, folder / "postgres.log", quick))
    url = f"postgresql://{postgres.SUPERUSER}:{PASSWORD}@127.0.0.1:{port}/postgres"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(url.removesuffix("postgres") + TEMPLATE)
    return url


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """A database of the test's own, migrated and empty."""
    name = f"t_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        yield server_url.removesuffix("postgres") + name
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the test's database."""
    with psycopg.connect(database_url, options="-c TimeZone=UTC") as connection:
        yield connection
