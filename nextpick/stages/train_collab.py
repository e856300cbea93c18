"""Stage: fit the candidate generators three times, on the interactions before each of three moments.

data/prepared -> models/collab/{label,test,ship}: for the ranker's examples before label_from, for the test before
test_from, for shipping before the cutoff. None may know what it will be asked to foresee.
"""

from pathlib import Path

import structlog

from nextpick.features.histories import histories
from nextpick.models import candidates
from nextpick.params import load_params
from nextpick.stages import files

log = structlog.get_logger()


def run(project: Path) -> None:
    """Fit and write. Raises: DataError where there is no prepared snapshot."""
    params = load_params(project / "params.yaml")
    prepared = files.read_prepared(project)
    moments = {
        "label": prepared.windows.label_from,
        "test": prepared.windows.test_from,
        "ship": prepared.windows.cutoff,
    }
    with files.new_folder(project / files.COLLAB) as folder:
        for name, as_of in moments.items():
            known = histories(prepared.interactions, prepared.users, prepared.items, params.data.kinds, as_of)
            (folder / name).mkdir()
            files.write_generators(candidates.fit(known, params), folder / name)
            log.info("candidates fitted", purpose=name, entries=len(known.item_rows))


if __name__ == "__main__":
    files.main(run)
