"""A run's own copy of the pipeline: what it holds, what it computes and what it remembers."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from nextpick import pipeline
from nextpick.errors import DataError, PipelineError
from nextpick.settings import Settings

MD5 = "30c226787d3e8e3ff697d45059e70a15.dir"


def started(settings: Settings, run_id: str, text: str = "a\nb\n") -> Path:
    """A run's folder with raw data of its own."""
    folder = pipeline.start(settings, run_id)
    raw = folder / pipeline.RAW
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "events.csv").write_text(text)
    return folder


def reproduced(settings: Settings) -> Path:
    """A run's folder as DVC leaves it, in so far as lineage reads it."""
    folder = pipeline.start(settings, "r")
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "raw.dvc").write_text(f"outs: [{{md5: {MD5}, path: raw}}]")
    (folder / "dvc.lock").write_text("schema: '2.0'")
    return folder


def computed(folder: Path) -> list[bool]:
    return [not pipeline.reproduce(folder, stage).cached for stage in pipeline.stages(folder / "dvc.yaml")]


def test_a_night_with_no_new_data_is_a_cache_hit_in_a_new_folder(settings: Settings) -> None:
    first = started(settings, "night 1")
    md5 = pipeline.track(first)
    assert computed(first) == [True, True]
    second = started(settings, "night 2")
    assert second != first
    assert pipeline.track(second) == md5
    assert computed(second) == [False, False]
    assert json.loads((second / "metrics.json").read_text()) == {"lines": 4}
    assert (second / "models" / "count").read_text() == "4"


def test_a_forced_stage_is_computed_though_known(settings: Settings) -> None:
    folder = started(settings, "r")
    pipeline.reproduce(folder, "double")
    assert not pipeline.reproduce(folder, "double", force=True).cached


def test_a_retry_goes_on_in_the_same_folder(settings: Settings) -> None:
    folder = started(settings, "manual__2025-11-24T20:51:45+00:00")
    (folder / "kept").touch()
    (settings.project / "params.yaml").write_text("seed: 3\n")
    again = pipeline.start(settings, "manual__2025-11-24T20:51:45+00:00")
    assert again == folder
    assert (folder / "kept").exists()
    assert (folder / "params.yaml").read_text() == "seed: 1\n"


def test_two_runs_whose_ids_make_one_folder_are_kept_apart(settings: Settings) -> None:
    pipeline.start(settings, "a:b")
    with pytest.raises(PipelineError, match="belongs to the run a:b, not to a-b"):
        pipeline.start(settings, "a-b")


def test_the_raw_data_come_back_from_the_remote_where_the_cache_is_gone(settings: Settings) -> None:
    folder = started(settings, "export")
    md5 = pipeline.track(folder)
    pipeline.push(folder, only_raw=True)
    shutil.rmtree(settings.home / "dvc" / "cache")
    other = pipeline.start(settings, "retrain")
    pipeline.restore(other, md5)
    assert (other / pipeline.RAW / "events.csv").read_text() == "a\nb\n"


def test_a_snapshot_that_nobody_has_is_named_with_the_remedy(settings: Settings) -> None:
    folder = pipeline.start(settings, "r")
    with pytest.raises(PipelineError, match=r"may have the snapshot 0{32}\.dir: take a new one"):
        pipeline.restore(folder, "0" * 32 + ".dir")


def test_a_stages_own_error_comes_through_as_what_it_is(settings: Settings) -> None:
    folder = started(settings, "r", "bad\n")
    with pytest.raises(DataError, match="nothing to double: take other data"):
        pipeline.reproduce(folder, "double")


def test_any_other_failure_of_a_stage_names_stage_and_folder(settings: Settings) -> None:
    folder = started(settings, "r", "worse\n")
    with pytest.raises(PipelineError, match=r"Stage double failed in .*runs/r.*the folder is kept"):
        pipeline.reproduce(folder, "double")


def test_lineage_without_git_is_what_the_image_was_told(settings: Settings) -> None:
    folder = reproduced(settings)
    lineage = pipeline.lineage(folder)
    assert lineage.pop("dvc_lock_md5") == "36f13ba896dc00280bf1bf6a6b397710"
    assert lineage == {"run_id": "r", "git_sha": "the-image's", "dirty": "false", "data_md5": MD5}
    assert pipeline.diff(folder) is None


def test_a_clean_checkout_is_recorded_by_its_commit(checkout: Settings) -> None:
    folder = reproduced(checkout)
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=checkout.project, text=True).strip()
    lineage = pipeline.lineage(folder)
    assert (lineage["git_sha"], lineage["dirty"]) == (head, "false")


def test_a_dirty_checkouts_changes_are_carried_along_and_recorded(checkout: Settings) -> None:
    (checkout.project / "params.yaml").write_text("seed: 7\n")
    (checkout.project / "nextpick" / "new.py").write_text("FRESH = 1\n")
    (checkout.project / "notes.txt").write_text("not of the pipeline\n")
    folder = reproduced(checkout)
    assert pipeline.lineage(folder)["dirty"] == "true"
    assert (folder / "params.yaml").read_text() == "seed: 7\n"
    assert (folder / "nextpick" / "new.py").exists()
    diff = pipeline.diff(folder)
    assert diff is not None
    text = diff.read_text()
    assert "+seed: 7" in text
    assert "+FRESH = 1" in text
    assert "not of the pipeline" not in text


def test_the_newest_folders_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "KEEP", 3)
    made = []
    for n in range(5):
        made.append(pipeline.start(settings, f"r{n}"))
        os.utime(made[-1], (n, n))
    assert sorted(f.name for f in (settings.home / "runs").iterdir()) == ["r2", "r3", "r4"]


def test_a_remote_of_ones_own_is_used(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"dvc_remote": str(tmp_path / "else where, #1")})
    folder = started(elsewhere, "r")
    pipeline.track(folder)
    pipeline.push(folder, only_raw=True)
    assert list((tmp_path / "else where, #1").rglob("*.dir"))


def test_a_killed_run_leaves_nothing_running_and_its_retry_converges(settings: Settings) -> None:
    folder = started(settings, "r")
    (folder / "slow").touch()
    code = (
        f"from pathlib import Path; from nextpick import pipeline; pipeline.reproduce(Path({str(folder)!r}), 'double')"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    with worker.stdout:
        for line in worker.stdout:
            if "sleeping" in line:
                break
        family = psutil.Process(worker.pid).children(recursive=True)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert len(family) >= 3
    end = monotonic() + 10
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family):
        assert monotonic() < end
        sleep(0.05)
    (folder / "slow").unlink()
    assert computed(pipeline.start(settings, "r")) == [True, True]
    assert (folder / "models" / "count").read_text() == "4"
