"""What goes of Airflow's database: runs, logs and events of long ago, by Airflow's own command.

Tasks may not reach that database, and Airflow hides its address from them; the command reads it anew from
AIRFLOW_HOME's airflow.cfg.
"""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from nextpick import program
from nextpick.errors import PipelineError
from nextpick.keeping.freed import Freed
from nextpick.settings import Settings

HIDDEN = "airflow-db-not-allowed:///"  # what Airflow 3 puts in place of the address


def clean(settings: Settings, days: int | None, now: datetime, dry: bool) -> Freed:
    """Rows older than `days`; the last run of each DAG stays. Nothing where `days` is None, or no Airflow is here.

    Raises: PipelineError with the command's last words.
    """
    freed, home = Freed(), os.environ.get("AIRFLOW_HOME") or str(settings.home.resolve() / "airflow")
    if days is None or not (Path(home) / "airflow.cfg").exists():
        return freed
    before = f"{now - timedelta(days=days):%Y-%m-%d %H:%M:%S+00:00}"
    command = [sys.executable, "-m", "airflow", "db", "clean", "--clean-before-timestamp", before, "--yes"]
    environment = {name: value for name, value in os.environ.items() if value != HIDDEN}
    more = ("--dry-run",) if dry else ("--skip-archive", "--error-on-cleanup-failure")
    try:
        program.run([*command, *more], Path(home), {**environment, "AIRFLOW_HOME": home}, lambda _: None)
    except program.Failed as failure:
        said = next((line for line in reversed(failure.lines) if line.strip()), "nothing")
        raise PipelineError(
            f"`airflow db clean` failed: {said}. Where tasks cannot reach Airflow's database, run it where the "
            "scheduler runs, and set retention.airflow_days to null."
        ) from None
    freed.add(f"rows of Airflow's database from before {before}")
    return freed
