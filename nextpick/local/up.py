"""`nextpick up`: the whole platform on this machine, from an empty folder to recommendations, until told to stop."""

import errno
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import httpx

from nextpick.errors import LocalError
from nextpick.local import airflow, api, databases, lock, machine, mlflow, page, remains
from nextpick.local.airflow_api import AirflowApi
from nextpick.local.loop import DAGS, Failure, Loop
from nextpick.local.programs import answers
from nextpick.local.secrets import Secrets
from nextpick.local.supervisor import Stopped, Supervisor
from nextpick.local.view import Row, View
from nextpick.settings import Settings

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
DAGS_SECONDS = 90.0
SERVED_SECONDS = 60.0


def run(settings: Settings, *, once: bool = False) -> int:
    """Start everything, run the loop where nothing is served yet, print what came out, and stay until stopped.

    With `once` it ends after the print. Returns the exit code: 0, 1 where the loop failed, 130 where it was stopped
    before the print. Raises: LocalError, and other NextPickErrors, which say what to do.
    """
    settings = settings.model_copy(update={"home": settings.home.resolve(), "project": settings.project.resolve()})
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with lock.only_run(settings.home, "Nothing was started"), View() as view:
            return _supervised(settings, view, once)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise LocalError(
            f"Cannot write {error.filename or settings.home}: {error.strerror}. Free space there, see whose it is, or "
            "give everything another place by NEXTPICK_HOME in .env."
        ) from None


def _supervised(settings: Settings, view: View, once: bool) -> int:
    supervisor = Supervisor(view.say)
    printed, code = False, 0
    known: Secrets | None = None
    with _signals(supervisor):
        try:
            known, cluster = machine.prepare(settings, view.say)
            machine.start(supervisor, settings, known, cluster)
            code = _bring_up(supervisor, settings, known, view)
            printed = True
            if not once:
                supervisor.wait(lambda: False)
        except Stopped:
            code = code if printed else 130
        finally:
            view.clear()
            supervisor.stop()
            if known is not None:
                remains.end(known.token, settings.home)  # what went its own way, such as a task of a killed worker
            view.say("All has ended")
    return code


def _bring_up(supervisor: Supervisor, settings: Settings, known: Secrets, view: View) -> int:
    """Wait until all is up, with the loop meanwhile where it is needed, and print the page. Returns the exit code."""
    url = databases.url(settings.postgres_port, "nextpick", known)

    def show(more: list[Row]) -> None:
        view.show([*(Row(name, state, "", seconds) for name, (state, seconds) in supervisor.states().items()), *more])

    def wait(*names: str) -> None:
        supervisor.wait(lambda: all(map(supervisor.is_settled, names)), lambda: show([]))

    wait(*(name for name in supervisor.states() if name not in (api.NAME, mlflow.NAME)))  # these may come later
    machine.note_versions(settings, known)
    failures = [] if machine.is_live(url) else _loop(supervisor, settings, known, show)
    wait(*supervisor.states())
    served = machine.is_live(url)
    if served:
        end = monotonic() + SERVED_SECONDS
        ready = f"{api.url(settings)}/health/ready"
        supervisor.wait(lambda: answers(ready) or monotonic() > end, lambda: show([]))
    view.clear()
    page.show_failures(view.console, failures, settings)
    picks = page.picks(settings, url) if served else None
    page.show(view.console, settings, known, picks)
    return 0 if served and not failures else 1


def _loop(
    supervisor: Supervisor, settings: Settings, known: Secrets, show: Callable[[list[Row]], None]
) -> list[Failure]:
    """Run the loop in Airflow to its end; return what failed."""
    url = databases.url(settings.postgres_port, "nextpick", known)
    try:
        with AirflowApi(airflow.url(settings), "admin", known.airflow_admin) as client:
            end = monotonic() + DAGS_SECONDS
            supervisor.wait(lambda: _are_read(client, end), lambda: show([]))
            loop = Loop(client, lambda: machine.is_live(url))
            loop.begin()
            supervisor.wait(loop.is_over, lambda: show(loop.rows()))
            return loop.failures()
    except httpx.TransportError as error:
        raise LocalError(f"Airflow went away: {error}. See {settings.home}/logs/airflow-api-server.log.") from None


def _are_read(client: AirflowApi, end: float) -> bool:
    """Whether Airflow knows all DAGs. Raises: LocalError where it cannot read one, or takes too long."""
    missing = set(DAGS) - client.dags()
    if missing and (errors := client.import_errors()):
        raise LocalError(f"Airflow cannot read a DAG: {'; '.join(errors)}. Mend the file and start again.")
    if missing and monotonic() > end:
        raise LocalError(
            f"Airflow has not read {', '.join(sorted(missing))} within {DAGS_SECONDS:g} s. "
            "See .nextpick/logs/airflow-dag-processor.log."
        )
    return not missing


@contextmanager
def _signals(supervisor: Supervisor) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal all mean: stop, in order."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: supervisor.ask_to_stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
