"""Programs start in order, are started again when they die, and are ended with all they started."""

import os
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from nextpick.errors import LocalError
from nextpick.local import process, supervisor
from nextpick.local.supervisor import Stopped, Supervisor
from tests.unit.local.conftest import AddScript

STAY = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); {STAY}"


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait(watched: Supervisor, name: str) -> None:
    end = monotonic() + 20
    watched.wait(lambda: watched.is_ready(name) or monotonic() > end)
    assert watched.is_ready(name)


def wait_for_text(watched: Supervisor, file: Path, text: str) -> None:
    end = monotonic() + 20
    watched.wait(lambda: (file.exists() and text in file.read_text()) or monotonic() > end)
    assert text in file.read_text()


def test_what_comes_after_a_job_starts_when_the_job_is_done(
    watched: Supervisor, add: AddScript, tmp_path: Path
) -> None:
    add("service", f"open('seen', 'w').write(str(__import__('os').path.exists('made'))); {STAY}", after=("job",))
    add("job", "import time; time.sleep(0.2); open('made', 'w')", job=True)
    wait_for_text(watched, tmp_path / "seen", "True")
    assert watched.is_ready("job")


def test_a_service_is_ready_when_it_says_so(watched: Supervisor, add: AddScript, tmp_path: Path) -> None:
    add("service", STAY, ready=(tmp_path / "ready").exists)
    for _ in range(5):
        watched.tick()
        sleep(0.03)
    assert not watched.is_ready("service")
    (tmp_path / "ready").touch()
    wait(watched, "service")


def test_a_program_that_fails_before_it_was_ready_ends_the_run_with_its_last_words(
    watched: Supervisor, add: AddScript
) -> None:
    add("job", "import sys; print('no space left'); sys.exit(3)", job=True)
    with pytest.raises(LocalError, match=r"job ended \(exit code 3\)\. Its last words, from .*job.log: no space left"):
        wait(watched, "job")


def test_a_service_that_is_not_ready_in_time_ends_the_run(watched: Supervisor, add: AddScript) -> None:
    add("service", STAY, ready=lambda: False, seconds=0.1)
    with pytest.raises(LocalError, match=r"service was not ready within 0.1 s"):
        wait(watched, "service")


def test_a_service_that_dies_is_started_again_and_that_is_said(
    watched: Supervisor, add: AddScript, said: list[str]
) -> None:
    add("service", STAY)
    wait(watched, "service")
    first = watched.pid("service")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    end = monotonic() + 20
    watched.wait(lambda: watched.pid("service") not in (None, first) or monotonic() > end)
    assert watched.pid("service") not in (None, first)
    wait(watched, "service")
    assert said[0].startswith("service ended (signal 9); it is started again in 1 s. See ")
    assert said[1] == "service is up again"


def test_a_service_that_dies_again_and_again_is_waited_for_no_more_tried_now_and_then_and_that_is_said(
    watched: Supervisor, add: AddScript, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "TRIES", 2)
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 1.0)
    add("service", "import time; time.sleep(0.2)")
    end = monotonic() + 20
    watched.wait(lambda: (watched.is_settled("service") and not watched.is_ready("service")) or monotonic() > end)
    assert "ended (exit code 0) for the 2th time; it is tried again every 1 s" in said[-1]
    assert watched.is_settled("service")
    assert not watched.is_ready("service")
    watched.wait(lambda: watched.pid("service") is not None or monotonic() > end)
    assert watched.pid("service") is not None


def test_stop_ends_what_ignores_the_polite_request(watched: Supervisor, add: AddScript, said: list[str]) -> None:
    program = add("service", STUBBORN)
    wait_for_text(watched, program.log, "up")
    pid = watched.pid("service")
    assert pid
    watched.stop()
    assert ended(pid)
    assert "service is still busy and is killed" in said


def test_stop_ends_the_grandchildren_too(watched: Supervisor, add: AddScript, tmp_path: Path) -> None:
    child = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); print(p.pid, flush=True)"
    )
    program = add("service", f"{child}; {STAY}")
    wait_for_text(watched, program.log, "up")
    grandchild = int(program.log.read_text().split()[0])
    watched.stop()
    assert ended(grandchild)


def test_asked_twice_it_waits_for_nobody(watched: Supervisor, add: AddScript, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 30)
    program = add("service", STUBBORN)
    wait_for_text(watched, program.log, "up")
    before = signal.signal(signal.SIGALRM, lambda *_: watched.ask_to_stop())
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    began = monotonic()
    watched.stop()
    signal.signal(signal.SIGALRM, before)
    assert monotonic() - began < 10


def test_what_has_its_own_way_to_end_is_ended_after_all_others(watched: Supervisor, add: AddScript) -> None:
    alive: list[bool] = []

    def close(database: "subprocess.Popen[bytes]") -> None:
        alive.append(watched.pid("service") is not None)
        database.kill()
        database.wait()

    add("database", STAY, close=close)
    add("service", STAY, after=("database",))
    wait(watched, "service")
    watched.stop()
    assert alive == [False]


def test_being_asked_to_stop_interrupts_every_wait(watched: Supervisor, add: AddScript) -> None:
    add("service", STAY)
    watched.ask_to_stop()
    with pytest.raises(Stopped):
        watched.wait(lambda: False)


def test_ending_spares_a_number_that_is_another_process_by_now() -> None:
    gone = subprocess.Popen(["sleep", "0"])
    known = psutil.Process(gone.pid)
    gone.wait()
    assert process.end([known], 1) == []
