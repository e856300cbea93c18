"""Stage: fit the candidate generators once for each use, on the interactions before it.

data/prepared -> models/collab/{label_0, ..., test, ship}: for the examples of each label window before that window,
for the test before test_from, for shipping before the cutoff. None may know what it will be asked to foresee.
"""

from pathlib import Path

import structlog

from nextpick.errors import DataError
from nextpick.features.histories import histories
from nextpick.models import candidates
from nextpick.models.generator import Generator
from nextpick.params import Params, load_params
from nextpick.stages import prepared
from nextpick.stages.folder import main, new_folder

COLLAB = Path("models", "collab")
log = structlog.get_logger()


def run(project: Path) -> None:
    """Fit and write. Raises: DataError where there is no prepared snapshot."""
    params = load_params(project / "params.yaml")
    snapshot = prepared.read(project)
    windows = snapshot.windows
    moments = {f"label_{i}": as_of for i, as_of in enumerate(windows.labels_from)}
    moments |= {"test": windows.test_from, "ship": windows.cutoff}
    with new_folder(project / COLLAB) as folder:
        for use, as_of in moments.items():
            known = histories(snapshot.interactions, snapshot.users, snapshot.items, params.data.kinds, as_of)
            (folder / use).mkdir()
            for name, generator in candidates.fit(known, params).items():
                (folder / use / f"{name}.npz").write_bytes(candidates.dump(generator))
            log.info("candidates fitted", use=use, entries=len(known.item_rows))


def read(project: Path, use: str, params: Params) -> dict[str, Generator]:
    """The generators fitted for one use, in the pool's order. Raises: DataError where there are none; BundleError."""
    folder = project / COLLAB / use
    try:
        return {name: candidates.load(name, (folder / f"{name}.npz").read_bytes()) for name in params.generators}
    except OSError as error:
        raise DataError(f"Cannot read {error.filename}: {error.strerror}. Run `dvc repro train_collab`.") from None


if __name__ == "__main__":
    main(run)
