"""Bundles somebody tampered with, the manifest made to match: refused for their structure, and nothing else happens.

The damaged ones are read by a process of their own, so that one which crashes, hangs or fills the memory fails this
test instead of ending it.
"""

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nextpick.errors import BundleError
from nextpick.models.bundle import load_bundle
from nextpick.models.manifest import MANIFEST
from tests.mutations import KINDS, mutate
from tests.published import Version

ROOT = Path(__file__).resolve().parents[3]
MUTATED = 200
SEED = 20261128
MEMORY_MB = 4096  # of addresses, with all libraries; numpy, LightGBM and pyarrow take a good part of it
SECONDS = 300


@pytest.fixture(scope="module")
def verdicts(version: Version, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What became of each mutated bundle, as tests/hostile_reader.py tells it."""
    folder = tmp_path_factory.mktemp("hostile")
    draw = random.Random(SEED)
    names = [KINDS[number % len(KINDS)] for number in range(MUTATED)]
    for number, kind in enumerate(names):
        copy = Path(shutil.copytree(version.bundle_dir, folder / f"{number:03}"))
        mutate(copy, kind, draw)
    command = [sys.executable, "-m", "tests.hostile_reader", str(version.bundle_dir), str(folder), str(MEMORY_MB)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    last = told[-1]["name"] if told else "none"
    assert done.returncode == 0, f"the reader ended with {done.returncode} after {last}: {done.stderr[-2000:]}"
    return [{**verdict, "kind": kind} for verdict, kind in zip(told, names, strict=True)]


def test_every_mutated_bundle_is_refused_or_answers_as_before(verdicts: list[dict[str, str]]) -> None:
    assert len(verdicts) == MUTATED
    odd = [verdict for verdict in verdicts if verdict["became"] not in ("refused", "harmless")]
    assert odd == []


def test_what_is_no_model_is_refused_whatever_the_manifest_says(verdicts: list[dict[str, str]]) -> None:
    """Only bits and digits may hit something that says nothing: the others change what a model is."""
    may_be_harmless = {"flip_bits", "change_digit"}
    odd = [v for v in verdicts if v["became"] == "harmless" and v["kind"] not in may_be_harmless]
    assert odd == []
    assert Counter(v["became"] for v in verdicts)["refused"] > MUTATED / 2


def test_without_the_manifest_made_to_match_every_change_is_refused(version: Version, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    for name in sorted(path.name for path in version.bundle_dir.iterdir()):
        copy = Path(shutil.copytree(version.bundle_dir, tmp_path / name))
        content = bytearray((copy / name).read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (copy / name).write_bytes(bytes(content))
        with pytest.raises(BundleError):
            load_bundle(copy, version.bundle_sha256)


@pytest.mark.parametrize("name", ["als.npz", MANIFEST])
def test_a_device_in_place_of_a_file_is_refused(version: Version, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(version.bundle_dir, tmp_path / "copy"))
    (copy / name).unlink()
    (copy / name).symlink_to("/dev/zero")
    with pytest.raises(BundleError, match="is no plain file"):
        load_bundle(copy)
