"""Several workers of one service, and one /metrics that tells of all of them, whichever is asked.

Each worker writes its counts to files of its own, in a folder that is theirs alone: it is named by the process that
started them, so what an earlier service left is never read. Format: prometheus_client's multiprocess mode.
"""

import multiprocessing
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from prometheus_client import values

from nextpick.errors import ConfigError

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own
KINDS = ("counter", "histogram", "gauge_livemin", "gauge_livesum", "gauge_livemax")  # of meters: a file each
ROOM = 2**18  # bytes of such a file, of which ours fill less than half
_PROC = Path("/proc")


def folder() -> Path | None:
    """The folder of this worker and its brothers, made where it is absent; None where the process is alone.

    It lies in the folder that VARIABLE names, else in one of this user's among temporary files. What services that are
    gone have left there goes, but for those of other containers. Raises: ConfigError.
    """
    given = os.environ.get(VARIABLE)
    if given is None and multiprocessing.parent_process() is None:  # uvicorn starts workers by multiprocessing
        return None
    base = Path(given) if given else Path(tempfile.gettempdir()) / f"nextpick-metrics-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if given is None and (base.is_symlink() or base.stat().st_uid != os.getuid()):
            raise ConfigError(f"{base} is somebody else's. Set {VARIABLE} to a folder for the workers' figures.")
        own = base / _name(os.getppid())
        own.mkdir(exist_ok=True)
        _sweep(base)
    except OSError as error:
        raise ConfigError(
            f"The workers cannot share their figures in {base}: {error.strerror}. Set {VARIABLE} to a folder that can "
            "be written."
        ) from error
    return own


def share(own: Path) -> None:
    """From now on this process keeps all meters in files of that folder. Raises: ConfigError.

    Their room is taken now: where a disk is full, to count in a file without is not an error but the process's end.
    """
    try:
        for kind in KINDS:
            with (own / f"{kind}_{os.getpid()}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, ROOM)
    except OSError as error:
        raise ConfigError(
            f"The workers cannot share their figures in {own}: {error.strerror}, for {len(KINDS)} files of {ROOM:,} "
            f"bytes each. Make room, or set {VARIABLE} to a folder that has some."
        ) from error
    os.environ[VARIABLE] = str(own)
    values.ValueClass = values.MultiProcessValue()


def bury(own: Path) -> None:
    """Forget what workers that are gone said of their state. What they counted stays counted."""
    for path in own.glob("gauge_live*.db"):
        if _parent(pid := path.stem.rsplit("_", 1)[-1]) != os.getppid() and pid != str(os.getpid()):
            path.unlink(missing_ok=True)


def _name(pid: int) -> str:
    """Of a process, told from a later one of that number by when it began, in the machine's ticks."""
    return f"{_world()}-{pid}-{_stat(str(pid))[19]}"


def _world() -> str:
    """Of the container: each numbers its processes from 1, and several may be given one folder (pid_namespaces(7))."""
    with suppress(OSError):
        return "".join(filter(str.isdigit, str((_PROC / "self" / "ns" / "pid").readlink())))
    return "0"


def _parent(pid: str) -> int | None:
    return int(_stat(pid)[1]) if (_PROC / pid).exists() else None


def _stat(pid: str) -> list[str]:
    """What follows the name in Linux's /proc/PID/stat: state, parent, ... (proc(5)); zeros where there is no such."""
    with suppress(OSError):
        return (_PROC / pid / "stat").read_text().rsplit(")", 1)[1].split()
    return ["0"] * 20


def _sweep(base: Path) -> None:
    for path in base.iterdir():
        world, _, rest = path.name.partition("-")
        pid = rest.partition("-")[0]
        if path.is_dir() and world == _world() and pid.isdigit() and path.name != _name(int(pid)):
            shutil.rmtree(path, ignore_errors=True)
