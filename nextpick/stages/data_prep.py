"""Stage: data/raw -> data/prepared: the interactions that count, the catalogue, and the three windows."""

from pathlib import Path

import pandas as pd
import structlog

from nextpick.data import clean, fingerprint, online_retail, split
from nextpick.data.snapshot import Snapshot
from nextpick.errors import DataError
from nextpick.params import load_params
from nextpick.schema import LOT_COLUMNS, SHOWN_COLUMNS
from nextpick.stages import prepared
from nextpick.stages.folder import main

RAW = Path("data", "raw")
SAMPLE = "online_retail.parquet"  # invoice lines as published; an export has events.parquet and items.parquet
SHOWN = "impressions.parquet"  # and this one, once answers were given
LOTS = "lots.parquet"  # and this one, once places were given away by lot
log = structlog.get_logger()


def run(project: Path) -> None:
    """Prepare the snapshot. Raises: DataError where it is absent, broken or too short for the windows."""
    params = load_params(project / "params.yaml")
    events, catalogue, dropped = _read(project / RAW)
    cleaned = clean.clean(events, params.data.kinds)
    clean.require_catalogue(catalogue)
    windows = split.windows(cleaned.interactions, params.split)
    shown, lots = _answered(project / RAW, SHOWN, SHOWN_COLUMNS), _answered(project / RAW, LOTS, LOT_COLUMNS)
    snapshot = Snapshot.of(cleaned.interactions, catalogue, windows, _md5(project / RAW), shown, lots)
    counts = {"interactions": len(snapshot.interactions), "users": len(snapshot.users), "items": len(snapshot.items)}
    dropped = {**dropped, **cleaned.dropped}
    prepared.write(project, snapshot, {**counts, "dropped": dropped})
    log.info("data prepared", **counts, dropped=dropped)


def _read(raw: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Events, catalogue, and what was dropped on the way, by reason."""
    if (raw / SAMPLE).exists():
        converted = online_retail.convert(pd.read_parquet(raw / SAMPLE))
        return converted.events, converted.items, converted.dropped
    try:
        return pd.read_parquet(raw / "events.parquet"), pd.read_parquet(raw / "items.parquet"), {}
    except OSError as error:
        raise DataError(
            f"{raw} holds no snapshot: neither {SAMPLE} nor events.parquet and items.parquet can be read, {error}. "
            "`dvc repro` puts the sample there; the DAG data_prep exports one from Postgres."
        ) from None


def _answered(raw: Path, name: str, columns: tuple[str, ...]) -> pd.DataFrame | None:
    """A frame on answers, or None where the snapshot says nothing of it. Raises: DataError where it is broken."""
    if not (raw / name).exists():
        return None
    found = pd.read_parquet(raw / name)
    clean.require_columns(found, columns, name.removesuffix(".parquet"))
    return found[[*columns]]


def _md5(raw: Path) -> str:
    contents = {str(path.relative_to(raw).as_posix()): path.read_bytes() for path in raw.rglob("*") if path.is_file()}
    return fingerprint.folder_md5(contents)


if __name__ == "__main__":
    main(run)
