"""The pipeline in a folder of its own a run: the only module that runs DVC, by its command line.

A run works in `<home>/runs/<run id>`, a copy of the files a result depends on, as they are in the working tree. All
runs share one DVC cache and one remote, so a stage whose inputs some run has seen before is not computed again.
Everything here may be repeated: a retried run goes on in its own folder.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import structlog
import yaml

from nextpick import errors, git, program
from nextpick.errors import ConfigError, PipelineError
from nextpick.settings import Settings

PARTS = (".dvc/config", ".dvcignore", "dvc.yaml", "dvc.lock", "params.yaml", "nextpick", "data/raw.dvc", "data/sample")
RAW = Path("data", "raw")
KEEP = 10  # run folders
_RUN = "run.json"
_DIFF = "changes.diff"
_QUIET = {"DVC_NO_ANALYTICS": "true", "PYTHONDONTWRITEBYTECODE": "1"}  # no .pyc among files whose md5 counts
_TOLD = re.compile(r"^(?:nextpick\.errors\.)?(\w+): (.+)$")  # the last line of a stage that raised on purpose
_GOES = "Removing "  # how `dvc gc --dry` names what would go
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\S* \[\w+ *\] ")  # of a stage's own log lines
log = structlog.get_logger()


@dataclass(frozen=True)
class Outcome:
    """What became of a stage; `cached` says that its result was known already and nothing was computed."""

    stage: str
    cached: bool


def stages(dvc_yaml: Path) -> dict[str, tuple[str, ...]]:
    """Each stage of a dvc.yaml with the stages whose outputs it depends on, upstream ones first.

    Raises: ConfigError where the file is absent, is no pipeline, or goes in a circle.
    """
    described = _read(dvc_yaml)
    made = {name: _paths(stage, "outs", "metrics", "plots") for name, stage in described.items()}
    upstream = {
        name: tuple(other for other in described if other != name and _meet(made[other], _paths(stage, "deps")))
        for name, stage in described.items()
    }
    try:
        order = tuple(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        raise ConfigError(f"{dvc_yaml}: the stages {' -> '.join(error.args[1])} wait for each other.") from None
    return {name: upstream[name] for name in order}


def _read(dvc_yaml: Path) -> dict[str, Mapping[str, Any]]:
    try:
        described = (yaml.safe_load(dvc_yaml.read_text()) or {}).get("stages") or {}
    except OSError as error:
        raise ConfigError(f"Cannot read {dvc_yaml}: {error.strerror}. It describes the pipeline's stages.") from None
    except (yaml.YAMLError, AttributeError) as error:
        raise ConfigError(f"{dvc_yaml} is no pipeline: {error}.") from None
    for name, stage in described.items():
        if unknown := {"foreach", "matrix", "wdir"} & set(stage):
            raise ConfigError(f"{dvc_yaml}: stage {name} uses {sorted(unknown)[0]}. Write its stages out one by one.")
    return described


def _paths(stage: Mapping[str, Any], *sections: str) -> set[PurePosixPath]:
    entries = [entry for section in sections for entry in stage.get(section) or ()]
    return {PurePosixPath(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}


def _meet(outs: set[PurePosixPath], deps: set[PurePosixPath]) -> bool:
    return any(a == b or a in b.parents or b in a.parents for a in outs for b in deps)


def start(settings: Settings, run_id: str) -> Path:
    """The folder of a run: made from the working tree the first time, and the very same one ever after.

    Makes room first: of other runs' folders the newest KEEP - 1 stay. What differs from the last commit is kept
    beside the copy as `changes.diff`.
    """
    runs = settings.home.resolve() / "runs"
    folder = runs / re.sub(r"[^\w.+-]", "-", run_id)
    if not folder.exists():
        runs.mkdir(parents=True, exist_ok=True)
        _make_room(runs)
        draft = runs / f".{uuid4().hex}"
        _copy(settings.project, draft)
        _describe(settings, draft, run_id)
        _configure(settings, draft)
        draft.rename(folder)
    if (owner := _run(folder)["run_id"]) != run_id:
        raise PipelineError(f"{folder} belongs to the run {owner}, not to {run_id}. Give the run another id.")
    return folder


def _make_room(runs: Path) -> None:
    for folder in _newest_first(runs)[KEEP - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


def _newest_first(runs: Path) -> list[Path]:
    return sorted(runs.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)


def run_folders(settings: Settings) -> list[Path]:
    """The folders of the runs there are, newest first; one whose name begins with a dot is still being made."""
    runs = settings.home.resolve() / "runs"
    return _newest_first(runs) if runs.is_dir() else []


def _copy(project: Path, draft: Path) -> None:
    for part in PARTS:
        source, target = project / part, draft / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, target)


def _describe(settings: Settings, draft: Path, run_id: str) -> None:
    state = git.state(settings.project, PARTS)
    sha, diff = (state.sha, state.diff) if state else (settings.git_sha or "unknown", "")
    (draft / _DIFF).write_text(diff)
    (draft / _RUN).write_text(json.dumps({"run_id": run_id, "git_sha": sha, "dirty": str(bool(diff)).lower()}))


def _configure(settings: Settings, draft: Path) -> None:
    """Say where cache and remote are, in the file that no commit holds and that wins over the one that does."""
    dvc = settings.home.resolve() / "dvc"
    remote = settings.dvc_remote or str(dvc / "remote")
    place = remote if "://" in remote else str((settings.project / remote).resolve())
    (draft / ".dvc").mkdir(exist_ok=True)
    (draft / ".dvc" / "config.local").write_text(
        "[core]\n"
        "    analytics = false\n"
        "    no_scm = true\n"
        "    remote = nextpick\n"
        f'    site_cache_dir = "{dvc / "site"}"\n'
        f'[cache]\n    dir = "{dvc / "cache"}"\n'
        f'[\'remote "nextpick"\']\n    url = "{place}"\n'
    )


def _dvc(folder: Path, *arguments: str, remedy: str) -> None:
    """Run a DVC command in a folder. Raises: PipelineError."""
    try:
        _run_dvc(folder, *arguments)
    except program.Failed as failure:
        said = [line for line in failure.lines if line.startswith("ERROR")] or failure.lines[-1:]
        raise PipelineError(f"`dvc {' '.join(arguments)}` failed in {folder}: {'; '.join(said)}. {remedy}") from None


def _run_dvc(folder: Path, *arguments: str) -> list[str]:
    """Run a DVC command and return the lines it logged. Stages find this Python as `python`.

    Raises: program.Failed.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, **_QUIET, "PATH": path}
    return program.run([sys.executable, "-m", "dvc", *arguments], folder, environment, _tell)


def _tell(line: str) -> None:
    log.info(_STAMP.sub("", line))


def _run(folder: Path) -> dict[str, str]:
    return dict(json.loads((folder / _RUN).read_text()))


def track(folder: Path) -> str:
    """Take what lies in the folder's `data/raw` into the cache as its raw data; returns its md5."""
    (folder / RAW).with_suffix(".dvc").unlink(missing_ok=True)  # the sample's, which is fetched, not taken
    _dvc(folder, "add", str(RAW), remedy="Is the disk full?")
    return raw_md5(folder)


def raw_md5(folder: Path) -> str:
    """DVC's md5 of the folder's raw data."""
    return str(yaml.safe_load((folder / RAW).with_suffix(".dvc").read_text())["outs"][0]["md5"])


def restore(folder: Path, md5: str) -> None:
    """Put the raw data of that md5 into the folder, from the cache or the remote.

    Raises: PipelineError where neither has it.
    """
    pointer = (folder / RAW).with_suffix(".dvc")
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.write_text(yaml.safe_dump({"outs": [{"md5": md5, "hash": "md5", "path": RAW.name}]}))
    _dvc(
        folder,
        *("pull", "--force", str(pointer.relative_to(folder))),
        remedy=f"Neither the cache nor the remote may have the snapshot {md5}: take a new one (the DAG data_prep).",
    )


def fetch_sample(folder: Path) -> None:
    """Put the sample into the folder's data/raw, as `dvc repro` in a clean clone does."""
    pointer = str(RAW.with_suffix(".dvc"))
    _dvc(folder, "repro", pointer, remedy="Is data/sample as it was published? Check it out again.")


def reproduce(folder: Path, stage: str, *, force: bool = False) -> Outcome:
    """Bring one stage up to date; with `force` compute it even where the result is known.

    Raises: what the stage raised, if it is one of `nextpick.errors`; PipelineError otherwise.
    """
    command = ("repro", "--single-item", *(["--force"] if force else []), stage)
    try:
        lines = _run_dvc(folder, *command)
    except program.Failed as failure:
        raise _told(failure.lines) or PipelineError(
            f"Stage {stage} failed in {folder}: {failure}. The log above says why; the folder is kept as it was left."
        ) from None
    return Outcome(stage, cached=f"Running stage '{stage}':" not in lines)


def _told(lines: tuple[str, ...]) -> errors.NextPickError | None:
    """The error of `nextpick.errors` that a stage's traceback ends with."""
    for line in reversed(lines):
        found = _TOLD.match(line)
        kind = getattr(errors, found[1], None) if found else None
        if found and isinstance(kind, type) and issubclass(kind, errors.NextPickError):
            return kind(found[2])
    return None


def push(folder: Path, *, only_raw: bool = False) -> None:
    """Send results and the memory of runs to the remote, or only the raw data."""
    what = (str(RAW.with_suffix(".dvc")),) if only_raw else ("--run-cache",)
    _dvc(folder, "push", *what, remedy="Is the remote (NEXTPICK_DVC_REMOTE) there, and may we write to it?")


def reference(settings: Settings, folder: Path, raw: str, lock: str) -> Path:
    """Make `folder` a project that names the raw data of that md5, and the outputs of a dvc.lock, where these are not
    empty: they are in use for `unused` and `collect`."""
    stages = (yaml.safe_load(lock) or {}).get("stages") or {} if lock else {}
    outs = {name: [out["path"] for out in stage.get("outs") or ()] for name, stage in stages.items()}
    described = {name: {"cmd": stage["cmd"], "outs": outs[name]} for name, stage in stages.items()}
    (folder / RAW.parent).mkdir(parents=True)
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": described}))
    (folder / "dvc.lock").write_text(lock or "schema: '2.0'\n")
    if raw:
        pointer = {"outs": [{"md5": raw, "hash": "md5", "path": RAW.name}]}
        (folder / RAW).with_suffix(".dvc").write_text(yaml.safe_dump(pointer))
    _configure(settings, folder)
    (folder / ".dvc" / "config").touch()
    return folder


def unused(settings: Settings, projects: Sequence[Path]) -> list[Path]:
    """Files of the cache, and of the remote below `home`, that none of the projects names. Raises: PipelineError."""
    lines = _gc(settings, projects, "--dry")
    return [Path(line.removeprefix(_GOES)) for line in lines if line.startswith(_GOES)]


def collect(settings: Settings, projects: Sequence[Path]) -> None:
    """Remove what is unused. Nothing else may run DVC meanwhile. Raises: PipelineError."""
    _gc(settings, projects)


def _gc(settings: Settings, projects: Sequence[Path], *more: str) -> list[str]:
    first, *others = map(str, projects)
    remote = () if settings.dvc_remote else ("--cloud", "--remote", "nextpick")  # another may be others', too
    named = ("--projects", *others) if others else ()
    try:
        return _run_dvc(Path(first), "gc", "--workspace", "--force", *remote, *more, *named)
    except program.Failed as failure:
        said = "; ".join(failure.lines[-3:])
        raise PipelineError(f"`dvc gc` failed in {first}: {said}. Nothing that is in use was removed.") from None


def lineage(folder: Path) -> dict[str, str]:
    """Where a run's results come from: run_id, git_sha, dirty, data_md5 and dvc_lock_md5."""
    lock = hashlib.md5((folder / "dvc.lock").read_bytes(), usedforsecurity=False).hexdigest()
    return {**_run(folder), "data_md5": raw_md5(folder), "dvc_lock_md5": lock}


def diff(folder: Path) -> Path | None:
    """What the run's code and parameters had that no commit has, or None."""
    path = folder / _DIFF
    return path if path.stat().st_size else None
