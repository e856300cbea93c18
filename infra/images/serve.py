"""The program of the API's image: `python serve.py` serves; `python serve.py compile FOLDER` is part of its build.

It adds three things to `uvicorn serving.app:create_app`. Kernels come from a cache that the build filled, and are
loaded before anything listens, so that a process that is ready is warm. Without a database the process stays live and
says what it lacks, where the app alone would end. `--from-this-machine` lets a published port count as this machine.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

HOST = "0.0.0.0"  # noqa: S104 - of the container; what is published is the caller's to say
BEHIND = 8089  # where the app listens behind `--from-this-machine`
DRAIN_SECONDS = 20  # for requests under way when told to end; Kubernetes waits longer than that
KERNELS = Path("/opt/nextpick/kernels")
HASWELL = frozenset({"avx2", "bmi2", "fma", "movbe"})  # x86-64-v3: every x86 server since 2015
PIECE = 1 << 16


def main() -> None:
    """Serve, or fill the folder of kernels."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", nargs="?", choices=("serve", "compile"), default="serve")
    words.add_argument("folder", nargs="?", type=Path, default=KERNELS, help="of the compiled kernels")
    words.add_argument(
        "--from-this-machine",
        action="store_true",
        help="count callers of the port as callers on this machine, who need no key. Only where it is published on "
        "127.0.0.1, as docker-compose.yaml does.",
    )
    asked = words.parse_args()
    os.environ.update(target(platform.machine(), _flags()))
    if asked.what == "compile":
        os.environ["NUMBA_CACHE_DIR"] = str(asked.folder)
        _warm()
        _exercise()
        return
    _serve(asked.folder, from_this_machine=asked.from_this_machine)


def target(machine: str, flags: frozenset[str]) -> Mapping[str, str]:
    """The processor to compile for, in numba's words, so that what one machine compiled another can use.

    An x86 older than 2015 compiles for itself, as it starts.
    """
    if machine == "x86_64" and flags >= HASWELL:
        return {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": "+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"}
    return {"NUMBA_CPU_NAME": "generic"} if machine == "aarch64" else {}


def _flags() -> frozenset[str]:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return frozenset(line.split())
    return frozenset()


def _warm() -> None:
    from nextpick.models import shapley, trees

    if trees.compiled() is None or shapley.compiled() is None:
        sys.exit(f"serve.py: numba cannot compile, or {os.environ['NUMBA_CACHE_DIR']} cannot be written.")


def _exercise() -> None:
    """Call what numba compiles only when it is called, with the kinds of numbers that pools are made of."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from nextpick.models.neighbours import Neighbours
    from nextpick.models.products import Whole
    from nextpick.models.scored import Factored, ItemSide
    from nextpick.models.topn import Barred, Exact

    alike, vectors = csr_matrix(np.ones((2, 2), np.float32)), np.ones((2, 4), np.float32)
    factored = Factored(vectors, np.ones(2, bool), ItemSide(Exact(vectors), Whole.of(vectors)))
    for scored in (Neighbours(alike).scored(alike), factored):
        scored.best(1, Barred.nothing(2))
        for users, items in ((np.int32, np.int32), (np.int64, np.int32), (np.int64, np.int64)):
            scored.of(np.zeros(1, users), np.zeros(1, items))


def _serve(kernels: Path, *, from_this_machine: bool) -> None:
    import uvicorn

    from nextpick.settings import load_settings
    from serving import logs

    logs.configure()
    settings = load_settings()
    app: Any = "serving.app:create_app"
    if settings.database_url is None:
        app = lacking(settings_fault())
    else:
        # numba wants to write beside what it reads, and the image is read-only
        own = Path(tempfile.mkdtemp(prefix="nextpick-kernels-"))
        shutil.copytree(kernels, own, dirs_exist_ok=True)
        os.environ["NUMBA_CACHE_DIR"] = str(own)
        _warm()
    host, port = (HOST, settings.api_port)
    if from_this_machine:
        Thread(target=lambda: asyncio.run(relay(port, BEHIND)), name="relay", daemon=True).start()
        host, port = "127.0.0.1", BEHIND
    uvicorn.run(
        app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def settings_fault() -> str:
    """What to do about the database that is not set."""
    return (
        "NEXTPICK_DATABASE_URL is not set. Start the container with -e NEXTPICK_DATABASE_URL="
        "postgresql://user:password@host:5432/nextpick, and migrate that database once: `nextpick migrate`. "
        "For everything at once there is docker-compose.yaml."
    )


def lacking(fault: str) -> Callable[..., Awaitable[None]]:
    """An ASGI app that is live, is not ready because of `fault`, and answers everything else by it, too."""
    not_ready = {"status": "not ready", "database": "not set", "reasons": [fault]}
    problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": fault}

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                sys.stderr.write(f"{fault}\n")
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        status, body, kind = {
            "/health/live": (200, {"status": "live"}, b"application/json"),
            "/health/ready": (503, not_ready, b"application/json"),
        }.get(scope["path"], (503, problem, b"application/problem+json"))
        headers = [(b"content-type", kind), *([(b"retry-after", b"30")] if status == 503 else [])]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return app


async def relay(port: int, behind: int) -> None:
    """Hand every connection to `port` on to `behind`, so that its caller is this machine."""
    async with await asyncio.start_server(lambda r, w: _hand_on(r, w, behind), HOST, port) as server:
        await server.serve_forever()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: int) -> None:
    with suppress(OSError):
        there, back = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
        back.close()
    writer.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the end, which is handed on, too; what comes the other way may go on."""
    with suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
        sink.write_eof()


if __name__ == "__main__":
    main()
