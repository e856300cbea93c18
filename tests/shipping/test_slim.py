"""What the API's image holds is enough: serving/requirements.txt alone, trimmed as the image is, migrates and answers.

Asked for by SLIM=1, and in CI: it installs 600 MB, from uv's cache where the packages are there.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from nextpick.local import ports
from tests.published import Version, fill, publish
from tests.serving.test_process import wait_for

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"
pytestmark = pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("SLIM")), reason="installs 600 MB: SLIM=1 asks for it"
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has what the image has."""
    venv = tmp_path_factory.mktemp("slim") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    sync = [UV, "pip", "sync", "--quiet", "--python", venv, "--require-hashes", ROOT / "serving" / "requirements.txt"]
    environment = {**os.environ, "UV_LINK_MODE": "copy", "UV_SYSTEM_CERTS": "true"}  # what is stripped is not uv's own
    if subprocess.run([*sync, "--offline"], env=environment, capture_output=True, check=False).returncode:
        subprocess.run(sync, env=environment, check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    subprocess.run([sys.executable, ROOT / "infra" / "images" / "trim.py", site], check=True)
    return venv / "bin" / "python"


@pytest.fixture(scope="module")
def kernels(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the image's build compiles them."""
    folder = tmp_path_factory.mktemp("kernels")
    run(python, "infra/images/serve.py", "compile", str(folder))
    return folder


def run(python: Path, *words: str, **environment: str) -> str:
    """What it prints, run as the image would: with nothing of this Python's environment."""
    own = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NEXTPICK_HOME": "/nowhere", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, *words], cwd=ROOT, env={**own, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_migrates_serves_and_makes_keys(
    python: Path, kernels: Path, database_url: str, conn: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    conn.execute("DROP SCHEMA nextpick CASCADE")
    conn.commit()
    told = run(python, "-m", "nextpick", "migrate", NEXTPICK_DATABASE_URL=database_url)
    assert "from nothing to revision" in told
    key = run(python, "-m", "nextpick", "keys", "add", "shop", "--scope", "serve", NEXTPICK_DATABASE_URL=database_url)
    address = f"http://127.0.0.1:{ports.free()}"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "NEXTPICK_HOME": "/nowhere",
        "NEXTPICK_DATABASE_URL": database_url,
        "NEXTPICK_API_PORT": address.rpartition(":")[2],
    }
    with (tmp_path / "log").open("wb") as log:
        command = [python, "infra/images/serve.py", "serve", str(kernels)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"{address}/health/ready", 503, 120)
        compiled = _files(tmp_path)
        fill(conn)
        conn.commit()
        publish(conn, version)
        wait_for(f"{address}/health/ready", 200, 120)
        ask: Callable[..., httpx.Response] = lambda **headers: httpx.post(  # noqa: E731
            f"{address}/recommend", json={"user_id": "tea03", "top_k": 3, "explain": True}, headers=headers
        )
        assert ask().status_code == 401
        answer = ask(**{"X-API-Key": key.strip()})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) == 3
        assert answer.json()["items"][0]["reason"]
        assert _files(tmp_path) == compiled, "kernels were compiled by the process that serves: compile them before"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}
