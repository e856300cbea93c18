"""The one process that starts all others, watches them, starts again what dies, and ends them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from time import monotonic, sleep

import psutil

from nextpick.errors import LocalError
from nextpick.local import process
from nextpick.local.postgres import last_words

TICK_SECONDS = 0.2
ASK_SECONDS = 1.0  # between two questions whether something is ready
STEADY_SECONDS = 60.0  # up for so long, a death is the first again
TRIES = 5  # deaths in a row, before nobody waits for it any more
PAUSE_SECONDS = 60.0  # between tries from then on: what killed it, such as a full disk, may pass
GRACE_SECONDS = 12.0  # for a program to end when asked; a scheduler would wait for its tasks as long as they take
KILL_SECONDS = 3.0  # for what it left behind


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass(frozen=True)
class Program:
    """Something to start: a service that stays, or a job that ends by itself with exit code 0."""

    name: str
    launch: process.Launch
    log: Path
    ready: Callable[[], bool] = lambda: True
    """Whether a service can be used; asked about once a second."""
    after: tuple[str, ...] = ()
    """The names of what must be ready before: services in use, jobs done."""
    job: bool = False
    done: Callable[[], None] = lambda: None
    """Called when a job is done."""
    seconds: float = 180.0
    """Ready within, or the run fails."""
    close: Callable[["Popen[bytes]"], None] | None = None
    """How to end it, after all that have no such way of their own; those are asked by SIGTERM."""


@dataclass
class _Child:
    """One program's life."""

    program: Program
    popen: "Popen[bytes] | None" = None
    state: str = "waiting"  # starting, ready, done, down (to be started at `due`), lost
    since: float = field(default_factory=monotonic)
    due: float = 0.0
    asked: float = 0.0
    deaths: int = 0
    was_ready: bool = False

    def become(self, state: str) -> None:
        self.state, self.since = state, monotonic()


class Supervisor:
    """Programs by name. Single-threaded: whoever waits for something waits by `wait`, which keeps all going."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._children: dict[str, _Child] = {}
        self._say = say
        self._stops = 0
        self._also: Callable[[], None] = lambda: None

    def add(self, program: Program) -> None:
        """Start it as soon as what it comes after is ready."""
        self._children[program.name] = _Child(program)

    def also(self, look: Callable[[], None]) -> None:
        """Something else to look after at every tick."""
        self._also = look

    def ask_to_stop(self) -> None:
        """For signal handlers: the next `wait` raises Stopped."""
        self._stops += 1

    def states(self) -> dict[str, tuple[str, float]]:
        """For each program its state and for how many seconds it has been in it."""
        now = monotonic()
        return {name: (child.state, now - child.since) for name, child in self._children.items()}

    def is_ready(self, name: str) -> bool:
        """Whether a service can be used, or a job is done."""
        return self._children[name].state in ("ready", "done")

    def is_settled(self, name: str) -> bool:
        """Whether waiting for it is over: it is ready, or it dies again and again."""
        return self.is_ready(name) or self._children[name].state == "lost"

    def pid(self, name: str) -> int | None:
        """The process of a program, while it runs."""
        popen = self._children[name].popen
        return popen.pid if popen and popen.poll() is None else None

    def wait(self, done: Callable[[], bool], each: Callable[[], None] = lambda: None) -> None:
        """Keep all going until `done`, calling `each` after every tick.

        Raises: Stopped; LocalError where a program fails before it was ever ready.
        """
        while not done():
            self.tick()
            each()
            sleep(TICK_SECONDS)

    def tick(self) -> None:
        """One look at everything. Raises: as `wait`."""
        if self._stops:
            raise Stopped
        self._also()
        for child in self._children.values():
            if child.popen is not None and child.state in ("starting", "ready"):
                self._look(child)
            elif self._is_due(child):
                self._start(child)

    def _is_due(self, child: _Child) -> bool:
        if child.state == "waiting":
            return all(map(self.is_ready, child.program.after))
        return child.state in ("down", "lost") and monotonic() >= child.due

    def _start(self, child: _Child) -> None:
        try:
            child.popen = child.program.launch()
        except LocalError as error:
            if not child.was_ready:
                raise
            self._bury(child, str(error))
            return
        child.become("starting")

    def _look(self, child: _Child) -> None:
        assert child.popen is not None  # noqa: S101 - the caller asked
        code = child.popen.poll()
        if code is not None:
            self._ended(child, code)
        elif child.state == "starting" and not child.program.job and monotonic() - child.asked > ASK_SECONDS:
            child.asked = monotonic()
            if child.program.ready():
                if child.was_ready:
                    self._say(f"{child.program.name} is up again")
                child.was_ready = True
                child.become("ready")
            elif monotonic() - child.since > child.program.seconds:
                raise LocalError(
                    f"{child.program.name} was not ready within {child.program.seconds:g} s. Its last words, from "
                    f"{child.program.log}: {last_words(child.program.log)}"
                )

    def _ended(self, child: _Child, code: int) -> None:
        name, log = child.program.name, child.program.log
        if child.program.job and code == 0:
            child.become("done")
            child.program.done()
            return
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        if not child.was_ready:
            raise LocalError(f"{name} ended ({how}). Its last words, from {log}: {last_words(log)}")
        if child.state == "ready" and monotonic() - child.since > STEADY_SECONDS:
            child.deaths = 0
        self._bury(child, how)

    def _bury(self, child: _Child, how: str) -> None:
        child.deaths += 1
        name, log = child.program.name, child.program.log
        if child.deaths >= TRIES:
            child.due = monotonic() + PAUSE_SECONDS
            child.become("lost")
            times = f"for the {child.deaths}th time"
            self._say(f"{name} ended ({how}) {times}; it is tried again every {PAUSE_SECONDS:g} s. See {log}.")
            return
        pause = 2.0 ** (child.deaths - 1)
        child.due = monotonic() + pause
        child.become("down")
        self._say(f"{name} ended ({how}); it is started again in {pause:g} s. See {log}.")

    def stop(self) -> None:
        """End everything and all it started; what has a `close` after all others.

        Asked to stop once more meanwhile, it waits for nobody. What left the family tree of its program before is not
        found from here.
        """
        asked = self._stops
        running = [child for child in self._children.values() if _alive(child)]
        first = [child for child in running if child.program.close is None]
        tree = [member for child in first for member in _family(child)]
        if first:
            self._say(f"Stopping {', '.join(child.program.name for child in first)}")
        for child in first:
            child.popen.terminate()  # type: ignore[union-attr]
        end = monotonic() + GRACE_SECONDS
        while any(map(_alive, first)) and monotonic() < end and self._stops == asked:
            sleep(0.1)
        for child in filter(_alive, first):
            self._say(f"{child.program.name} is still busy and is killed")
        process.end(tree, KILL_SECONDS if self._stops == asked else 0)
        for child in running:
            if child.program.close and child.popen:
                self._say(f"Stopping {child.program.name}")
                child.program.close(child.popen)
        for child in running:
            child.popen.wait()  # type: ignore[union-attr]


def _alive(child: _Child) -> bool:
    return child.popen is not None and child.popen.poll() is None


def _family(child: _Child) -> list[psutil.Process]:
    """A program's process and all that comes from it."""
    try:
        root = psutil.Process(child.popen.pid)  # type: ignore[union-attr]
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
