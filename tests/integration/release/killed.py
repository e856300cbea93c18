"""A publisher that says how far it is and then hangs, for a test to kill: python -m ... URL PHASE."""

import sys
from collections.abc import Callable, Iterable
from time import sleep
from typing import Any

import psycopg

from nextpick.release import publish
from nextpick.store import blocks, lists, releases
from nextpick.store.list_rows import Column
from tests.integration.release.blocks import build

Parts = Iterable[tuple[Any, list[Column]]]


def hang(phase: str) -> None:
    print(phase, flush=True)
    sleep(600)


def after(module: Any, name: str, phase: str, calls: int = 1) -> None:
    """Hang once `module.name` is done for the so-many-th time."""
    original: Callable[..., Any] = getattr(module, name)
    left = [calls]

    def patched(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            hang(phase)
        return result

    setattr(module, name, patched)


def before(module: Any, name: str, phase: str) -> None:
    """Hang just before `module.name`."""
    setattr(module, name, lambda *_, **__: hang(phase))


def main(url: str, phase: str) -> None:
    """Phases: planned, computed (nothing of the second block is written), copied (all of it is, uncommitted), indexed,
    attached (uncommitted), ready (not live)."""
    where: dict[str, Callable[[], None]] = {
        "planned": lambda: after(publish, "begin", phase),
        "computed": lambda: after(blocks, "take", phase, calls=2),
        "copied": lambda: after(lists, "copy_lists", phase, calls=2),
        "indexed": lambda: after(lists, "index", phase),
        "attached": lambda: after(lists, "attach", phase),
        "ready": lambda: before(releases, "flip", phase),
    }
    where[phase]()
    with psycopg.connect(url) as conn:
        build(conn, 2.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
