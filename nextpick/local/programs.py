"""What the programs of the run have in common: Python modules, started in the project's folder, asked over HTTP."""

import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

import httpx

from nextpick.local import process
from nextpick.local.supervisor import Program
from nextpick.settings import Settings


def log_file(settings: Settings, name: str) -> Path:
    """Where a program's own words go."""
    return settings.home / "logs" / f"{name.replace(' ', '-')}.log"


def service(
    settings: Settings,
    name: str,
    words: tuple[str, ...],
    given: Mapping[str, str],
    ready: Callable[[], bool],
    after: tuple[str, ...] = (),
) -> Program:
    """`python -m words...` with the environment `given`, to stay."""
    return Program(name, _launch(settings, name, words, given), log_file(settings, name), ready, after)


def job(settings: Settings, name: str, words: tuple[str, ...], given: Mapping[str, str]) -> Program:
    """`python -m words...` with the environment `given`, to end by itself."""
    return Program(name, _launch(settings, name, words, given), log_file(settings, name), job=True)


@cache
def client() -> httpx.Client:
    """For questions to what runs here; a proxy that the environment names is not asked."""
    return httpx.Client(timeout=2, trust_env=False)


def answers(url: str) -> bool:
    """Whether a GET is answered with a 2xx."""
    try:
        return client().get(url).is_success
    except httpx.HTTPError:
        return False


def _launch(settings: Settings, name: str, words: tuple[str, ...], given: Mapping[str, str]) -> "process.Launch":
    command = (sys.executable, "-m", *words)
    return partial(process.spawn, command, given, log_file(settings, name), settings.project)
