"""`nextpick up`: the whole platform on this machine, from an empty folder to recommendations, until told to stop."""

import errno
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import httpx

from nextpick.errors import LocalError
from nextpick.local import airflow, api, databases, lock, machine, mlflow, page, remains, space
from nextpick.local.airflow_api import AirflowApi
from nextpick.local.loop import DAGS, Failure, Loop
from nextpick.local.programs import answers
from nextpick.local.secrets import Secrets
from nextpick.local.supervisor import Stopped, Supervisor
from nextpick.local.view import Row, View
from nextpick.settings import Settings

Wait = Callable[..., None]  # (done, more rows to show meanwhile)
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
DAGS_SECONDS = 90.0
SERVED_SECONDS = 60.0


def run(settings: Settings, *, once: bool = False, sample: bool = True) -> int:
    """Start everything, run the loop where nothing is served yet, print what came out, and stay until stopped.

    With `once` it ends after the print. Where there are no events `sample` is loaded; without it nothing is run.

    Returns the exit code: 0, 1 where the loop failed, 130 where it was stopped before the print. Raises: LocalError,
    and other NextPickErrors, which say what to do.
    """
    settings = settings.model_copy(update={"home": settings.home.resolve(), "project": settings.project.resolve()})
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock.only_run(settings.home, "Nothing was started"), View() as view:
            return _supervised(settings, view, once=once, sample=sample)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise LocalError(
            f"Cannot write {error.filename or settings.home}: {error.strerror}. Free space there, see whose it is, or "
            "give everything another place by NEXTPICK_HOME in .env."
        ) from None


def _supervised(settings: Settings, view: View, *, once: bool, sample: bool) -> int:
    supervisor = Supervisor(view.say)
    printed, code = False, 0
    known: Secrets | None = None
    with _signals(supervisor):
        try:
            prepared = machine.prepare(settings, view.say)
            known, cluster = prepared
            supervisor.also(space.watch((settings.home, cluster.folder), view.say))
            served = machine.start(supervisor, settings, prepared, view.say, sample=sample)
            code = _bring_up(supervisor, settings, known, view, served)
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
            if supervisor.states():
                view.say("All has ended")
    return code


def _bring_up(supervisor: Supervisor, settings: Settings, known: Secrets, view: View, served: bool) -> int:
    """Wait until all is up, with the loop meanwhile where nothing is served, and print the page; returns the exit code.

    The recommendations are printed as soon as there are any, before the rest is up or over.
    """

    def wait(done: Callable[[], bool], more: Callable[[], list[Row]] = list) -> None:
        supervisor.wait(done, lambda: view.show([*_rows(supervisor), *more()]))

    def settled(*names: str) -> bool:
        return all(map(supervisor.is_settled, names))

    failures: list[Failure] = []
    picks: page.Picks | None = None
    if served:
        picks = _show_picks(settings, known, view, wait)
    else:
        first = [name for name in supervisor.states() if name not in (api.NAME, mlflow.NAME)]  # these may come later
        wait(lambda: settled(*airflow.SERVICES))
        if all(map(supervisor.is_ready, airflow.SERVICES)):  # so that the loop can be watched there
            view.say(f"Airflow is up: {airflow.url(settings)}  {page.sign_in_once(settings, known)}")
        wait(lambda: settled(*first))
        failures, picks = _follow(settings, known, view, wait)
    wait(lambda: settled(*supervisor.states()))
    view.clear()
    page.show_failures(view.console, failures, settings)
    there = page.data(databases.url(settings.postgres_port, "nextpick", known))
    page.show_rest(view.console, settings, known, picks, there)
    return 1 if failures or (there.events and not picks) else 0


def _rows(supervisor: Supervisor) -> list[Row]:
    return [Row(name, state, seconds=seconds) for name, (state, seconds) in supervisor.states().items()]


def _follow(settings: Settings, known: Secrets, view: View, wait: Wait) -> tuple[list[Failure], page.Picks | None]:
    """Run the loop in Airflow to its end; return what failed, and what is recommended since. Without events only let
    the DAGs run.
    """
    url = databases.url(settings.postgres_port, "nextpick", known)
    try:
        with AirflowApi(airflow.url(settings), "admin", known.airflow_admin) as client:
            end = monotonic() + DAGS_SECONDS
            wait(lambda: _are_read(client, end))
            loop = Loop(client, lambda: machine.is_live(url))
            if not machine.has_events(url):
                loop.unpause()
                return [], None
            loop.begin()
            wait(lambda: loop.is_live or loop.is_over(), loop.rows)
            picks = _show_picks(settings, known, view, wait) if loop.is_live else None
            wait(loop.is_over, loop.rows)
            return loop.failures(), picks
    except httpx.TransportError as error:
        raise LocalError(f"Airflow went away: {error}. See {settings.home}/logs/airflow-api-server.log.") from None


def _show_picks(settings: Settings, known: Secrets, view: View, wait: Wait) -> page.Picks:
    """Ask as soon as the API has the release."""
    end, ready = monotonic() + SERVED_SECONDS, f"{api.url(settings)}/health/ready"
    wait(lambda: answers(ready) or monotonic() > end)
    picks = page.picks(settings, databases.url(settings.postgres_port, "nextpick", known))
    page.show_picks(view.console, picks)
    return picks


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
