"""`make install` finds a Python that will do, or says what is missing; it sees what is to be done, and what is not."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "install.py"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, in a clone of its own whose PATH holds what `python` below puts there."""
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    for name, path in (("VENV", ".venv"), ("PYTHON", ".venv/bin/python"), ("STAMP", ".venv/installed")):
        monkeypatch.setattr(script, name, tmp_path / path)
    for name in script.INPUTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()
    return script


def python(folder: Path, name: str, version: str, *, has_venv: bool = True) -> None:
    """A program that answers the question for its version as a Python would."""
    file = folder / "path" / name
    file.write_text(f"#!/bin/sh\necho {version}\nexit {0 if has_venv else 1}\n")
    file.chmod(0o755)


def test_the_best_of_the_pythons_here_is_taken(install: ModuleType, tmp_path: Path) -> None:
    for version in ("3.11", "3.13", "3.12"):
        python(tmp_path, f"python{version}", version)
    assert install.choose("") == "python3.12"


def test_a_python_under_its_plain_name_will_do(install: ModuleType, tmp_path: Path) -> None:
    python(tmp_path, "python3", "3.13")
    assert install.choose("") == "python3"


def test_one_without_venv_is_passed_over(install: ModuleType, tmp_path: Path) -> None:
    python(tmp_path, "python3.12", "3.12", has_venv=False)
    python(tmp_path, "python3.11", "3.11")
    assert install.choose("") == "python3.11"


def test_where_none_will_do_it_says_what_was_found_and_how_to_get_one(install: ModuleType, tmp_path: Path) -> None:
    python(tmp_path, "python3", "3.10")
    python(tmp_path, "python3.12", "3.12", has_venv=False)
    with pytest.raises(install.Refusal, match=r"Found: python3.12 is 3.12, without venv; python3 is 3.10\.\n.*apt-get"):
        install.choose("")


def test_the_one_asked_for_is_not_replaced_by_another(install: ModuleType, tmp_path: Path) -> None:
    python(tmp_path, "python3.12", "3.12")
    with pytest.raises(install.Refusal, match=r"Found: /no/python does not run\."):
        install.choose("/no/python")


def installed(install: ModuleType, made_for: Path) -> None:
    install.PYTHON.parent.mkdir(parents=True)
    install.PYTHON.write_text("#!/bin/sh\necho 3.12\n")  # whatever it is asked: here, has pip
    install.PYTHON.chmod(0o755)
    (install.VENV / "pyvenv.cfg").write_text(f"home = /usr\ncommand = /usr/bin/python3 -m venv {made_for}\n")
    install._write_stamp()


def test_where_nothing_changed_nothing_is_done(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(install, install.VENV)
    monkeypatch.setattr(install, "_run", lambda command: pytest.fail(f"ran {command}"))
    install.main("")


@pytest.mark.parametrize("change", ["lock", "moved", "interrupted", "no interpreter"])
def test_what_changed_is_made_good(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    installed(install, tmp_path / "elsewhere" / ".venv" if change == "moved" else install.VENV)
    (tmp_path / "requirements.txt").write_text("uv==1.0 \\\n    --hash=sha256:00\n")
    if change != "lock":
        install._write_stamp()
    if change == "interrupted":
        install.STAMP.unlink()
    if change == "no interpreter":
        install.PYTHON.unlink()
    python(tmp_path, "python3.12", "3.12")
    ran: list[list[str]] = []

    def run(command: list[str]) -> None:
        ran.append(command)
        (tmp_path / ".venv").mkdir(exist_ok=True)

    monkeypatch.setattr(install, "_run", run)
    install.main("")
    made_anew = ["python3.12", "-m", "venv", str(install.VENV)] in ran
    assert made_anew == (change in ("moved", "no interpreter"))
    assert [command for command in ran if "--require-hashes" in command and "sync" in command]
    assert install.STAMP.exists()


def test_uv_comes_in_the_locked_version_with_its_hash(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.VENV.mkdir()
    lock = (
        "a==1 \\\n    --hash=sha256:aa\nuv==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via x\nz==2\n"
    )
    (tmp_path / "requirements.txt").write_text(lock)
    ran: list[list[str]] = []
    monkeypatch.setattr(install, "_run", ran.append)
    install._sync()
    assert (install.VENV / "uv.txt").read_text() == "uv==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
    assert "--require-hashes" in ran[0]


@pytest.mark.parametrize(("here", "said"), [("/etc/ssl/certs/here.crt", "true"), (None, "")])
def test_uv_trusts_whom_this_machine_trusts(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str | None, said: str
) -> None:
    monkeypatch.delenv("UV_SYSTEM_CERTS", raising=False)
    monkeypatch.setattr(install.ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=here))
    install._run(["/bin/sh", "-c", f'printf %s "$UV_SYSTEM_CERTS" > {tmp_path}/said'])
    assert (tmp_path / "said").read_text() == said


def test_a_step_that_fails_is_named_with_what_to_do(install: ModuleType) -> None:
    with pytest.raises(
        install.Refusal, match=r"stopped \(exit code 3\) at: /bin/sh -c exit 3\n(?s:.*)UV_DEFAULT_INDEX"
    ):
        install._run(["/bin/sh", "-c", "exit 3"])
