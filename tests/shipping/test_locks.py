"""The locks of the images are parts of the one lock: same versions, same hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)((?: ;[^\\\n]*)?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)


def pins(file: str) -> dict[tuple[str, str], frozenset[str]]:
    """The hashes of each (package, version) of a lock."""
    return {
        (name, version): frozenset(re.findall(r"sha256:\w+", hashes))
        for name, version, _, hashes in PIN.findall((ROOT / file).read_text())
    }


def direct(text: str) -> set[str]:
    """The packages that a file of requirements names."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {re.split(r"[\[<>=! ]", line)[0] for line in lines if line}


@pytest.mark.parametrize("file", ["serving/requirements", "infra/images/airflow"])
def test_an_images_lock_is_in_step_with_the_one_lock(file: str) -> None:
    whole, part = pins("requirements.txt"), pins(f"{file}.txt")
    assert len(whole) > 300
    versions = {name: {v for n, v in whole if n == name} for name, _ in whole}
    others = {(n, v) for n, v in part if n in versions and v not in versions[n]}
    assert others == set(), "compile the locks anew: scripts/lock.sh"
    assert {pin: hashes for pin, hashes in part.items() if pin in whole and hashes != whole[pin]} == {}
    names = {name for name, _ in part}
    wanted = ROOT / (f"{file}.in")
    assert direct(wanted.read_text()) <= names


def test_the_apis_image_has_nothing_of_its_own_and_no_server() -> None:
    slim = pins("serving/requirements.txt")
    assert slim.keys() <= pins("requirements.txt").keys()
    servers = {"apache-airflow", "apache-airflow-core", "mlflow", "mlflow-skinny", "dvc", "evidently", "pytest", "uv"}
    assert not servers & {name for name, _ in slim}


def test_every_package_has_a_hash_in_every_lock() -> None:
    for file in ("requirements.txt", "serving/requirements.txt", "infra/images/airflow.txt"):
        text = (ROOT / file).read_text()
        assert len(pins(file)) == len(re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)), file
