"""A supervisor whose programs are small scripts."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nextpick.local import process, supervisor
from nextpick.local.supervisor import Program, Supervisor

AddScript = Callable[..., Program]


@pytest.fixture
def said() -> list[str]:
    """What the supervisor told the person."""
    return []


@pytest.fixture
def watched(said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A quick supervisor; whatever it started is ended with the test."""
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "ASK_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(supervisor, "KILL_SECONDS", 0.3)
    found = Supervisor(said.append)
    yield found
    found.stop()


@pytest.fixture
def add(watched: Supervisor, tmp_path: Path) -> AddScript:
    """Add a Python script by its text."""

    def add_script(name: str, text: str, **more: Any) -> Program:
        log = tmp_path / f"{name}.log"
        launch = partial(process.spawn, [sys.executable, "-c", text], {"PATH": ""}, log, tmp_path)
        program = Program(name, launch, log, **more)
        watched.add(program)
        return program

    return add_script
