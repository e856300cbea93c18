"""`make install`: a .venv that holds exactly what requirements.txt locks, and this project, editable.

Any Python 3 runs this, to find one that will do; so it keeps to the standard library and to the syntax of 3.6.
Where nothing changed it ends at once. The stamp is removed first and written last, so an install that was interrupted
goes on; a .venv that was copied or moved, whose programs still name the old place, is made anew.
"""

import fcntl
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

WANTED = ("3.12", "3.13", "3.11")  # the best first
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
INPUTS = ("requirements.txt", "pyproject.toml", "scripts/install.py")
PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); import ensurepip, venv"


class Refusal(Exception):
    """What stands in the way, and what to do about it."""


def main(asked):
    """Install with the Python that was asked for, or with the best one here."""
    directory = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # a second `make` waits, and then finds all done
        as_asked = not asked or (PYTHON.exists() and probe(asked)[0] == probe(str(PYTHON))[0])
        if as_asked and _made_here() and _stamp() == _inputs():
            return
        if not (as_asked and _made_here() and _has_pip()):
            _make_venv(asked)
        _sync()
        _write_stamp()
    finally:
        os.close(directory)


def choose(asked):
    """The command of a Python that will do: the one asked for, else the best found on PATH. Raises: Refusal."""
    seen = []
    for command in [asked] if asked else ["python" + version for version in WANTED] + ["python3", "python"]:
        version, complete = probe(command)
        if version in WANTED and complete:
            return command
        if version:
            seen.append(f"{command} is {version}" + (", without venv" if version in WANTED else ""))
    found = "; ".join(seen) or (f"{asked} does not run" if asked else "none")
    raise Refusal(
        f"NextPick needs Python 3.11, 3.12 or 3.13 with its venv module; 3.12 is best. Found: {found}.\n"
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; elsewhere: pyenv install 3.12),\n"
        "or name one: make install PYTHON=/path/to/python3.12"
    )


def probe(command):
    """(its version or None where it does not run, whether it can make a venv with pip)."""
    try:
        done = subprocess.run([command, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None, False
    version = done.stdout.decode().strip()
    return (version or None), done.returncode == 0


def _made_here():
    """Whether .venv stands where it was made, and the Python it was made from is still there."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return False
    return PYTHON.exists() and any(line.startswith("command") and line.endswith(f" {VENV}") for line in lines)


def _has_pip():
    """False where the making of .venv was interrupted."""
    command = [str(PYTHON), "-m", "pip", "--version"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _make_venv(asked):
    command = choose(asked)
    print(f"Making .venv with {command} ({probe(command)[0]})", flush=True)
    shutil.rmtree(str(VENV), ignore_errors=True)
    _run([command, "-m", "venv", str(VENV)])


def _sync():
    """uv comes by pip, in the locked version; everything else by uv."""
    lock = (ROOT / "requirements.txt").read_text()
    found = re.search(r"^uv==.*(?:\n    --hash=.*)+", lock, re.MULTILINE)
    if not found:
        raise Refusal("requirements.txt locks no uv, which installs the rest. Compile it anew from pyproject.toml.")
    if STAMP.exists():
        STAMP.unlink()
    only_uv = VENV / "uv.txt"
    only_uv.write_text(found.group() + "\n")
    _run([str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", str(only_uv)])
    uv = [str(VENV / "bin" / "uv"), "pip"]
    where = ["--python", str(PYTHON)]
    print("Installing what requirements.txt locks: seconds from a warm package cache, some minutes without", flush=True)
    quiet = [] if sys.stderr.isatty() else ["--quiet"]  # its progress on a terminal, no list of names in a log
    _run([*uv, "sync", *where, *quiet, "--require-hashes", str(ROOT / "requirements.txt")])
    _run([*uv, "install", *where, "--quiet", "--offline", "--no-deps", "--no-build-isolation", "-e", str(ROOT)])


def _run(command):
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    if ssl.get_default_verify_paths().cafile:
        environment.setdefault("UV_SYSTEM_CERTS", "true")  # as pip does: else uv fails where a proxy signs for itself
    code = subprocess.run(command, env=environment, cwd=str(ROOT), check=False).returncode
    if code:
        raise Refusal(
            f"The install stopped (exit code {code}) at: {' '.join(command)}\nIts own words are above. Once the cause "
            "is gone (network, disk space, permissions; uv knows no pip.conf, so a mirror of your own goes into\n"
            "UV_DEFAULT_INDEX), the same command goes on from here."
        )


def _inputs():
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _stamp():
    try:
        return STAMP.read_text()
    except OSError:
        return None


def _write_stamp():
    making = STAMP.with_suffix(".making")
    making.write_text(_inputs())
    making.rename(STAMP)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Refusal as refusal:
        sys.exit(f"make install: {refusal}")
    except OSError as error:
        sys.exit(f"make install: cannot write {error.filename}: {error.strerror}.")
    except KeyboardInterrupt:
        sys.exit(130)
