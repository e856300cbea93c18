"""A publisher that says how far it is and then hangs, for a test to kill: python -m ... URL PHASE."""

import sys
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import psycopg

from nextpick.release.precompute import ListBlock
from nextpick.release.publish import publish
from nextpick.store import lists, releases
from tests.integration.release.blocks import blocks, draft


def hang(phase: str) -> None:
    print(phase, flush=True)
    sleep(600)


def after(module: Any, name: str, phase: str) -> None:
    """Hang once `module.name` is done."""
    original: Callable[..., Any] = getattr(module, name)

    def patched(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        hang(phase)

    setattr(module, name, patched)


def before(module: Any, name: str, phase: str) -> None:
    """Hang just before `module.name`."""
    setattr(module, name, lambda *_, **__: hang(phase))


def hanging_blocks() -> Iterator[ListBlock]:
    """One block, then nothing for ever: killed in the middle of loading."""
    source = blocks(9.0)
    yield next(source)
    hang("copied")


def main(url: str, phase: str) -> None:
    if phase == "created":
        after(lists, "create", phase)
    if phase == "indexed":
        after(lists, "index", phase)
    if phase == "attached":
        before(releases, "flip", phase)
    with psycopg.connect(url) as conn:
        publish(conn, draft(), hanging_blocks() if phase == "copied" else blocks(9.0))


if __name__ == "__main__":
    main(*sys.argv[1:])
