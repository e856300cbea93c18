"""What goes of DVC's cache: data that no version that stays, no new snapshot and no run folder names."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from nextpick import pipeline
from nextpick.keeping import models
from nextpick.keeping.freed import Freed, bytes_of
from nextpick.settings import Settings


def collect(settings: Settings, stay: models.Kept, newest: Iterable[str], dry: bool) -> Freed:
    """Remove it. `newest` are md5s of snapshots. Nothing else may run DVC meanwhile.

    Raises: RegistryError, PipelineError.
    """
    freed = Freed()
    if not (settings.home / "dvc").is_dir():
        return freed
    with TemporaryDirectory(prefix="nextpick-") as name:
        place = Path(name)
        projects = [pipeline.reference(settings, place / md5, md5, "") for md5 in sorted({*newest, *stay.data})]
        for run_id in sorted(stay.runs):
            if lock := models.lock_file(settings, run_id):
                projects.append(pipeline.reference(settings, place / run_id, "", lock))
        projects += [folder for folder in pipeline.run_folders(settings) if (folder / "dvc.yaml").exists()]
        if not projects:
            return freed
        files = pipeline.unused(settings, projects)
        for kind in ("cache", "remote"):
            gone = [bytes_of(file) for file in files if kind in file.parts]
            if gone:
                freed.add(f"{len(gone)} files of the {kind}", sum(gone))
        if files and not dry:
            pipeline.collect(settings, projects)
    return freed
