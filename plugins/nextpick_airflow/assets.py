"""What one DAG makes and another waits for, and the ids that travel with it."""

from airflow.sdk import Asset, get_current_context

SNAPSHOT = Asset(name="snapshot", uri="nextpick://snapshot")  # extra: raw_md5
CHAMPION = Asset(name="champion", uri="nextpick://champion")  # extra: version
DRIFTED = Asset(name="drifted", uri="nextpick://drifted")  # extra: report_id
RELEASE = Asset(name="release", uri="nextpick://release")  # extra: release_id


def made(asset: Asset, **ids: str | int) -> None:
    """Say which one this task has made; the task names the asset in its outlets."""
    get_current_context()["outlet_events"][asset].extra = dict(ids)


def triggering(asset: Asset, name: str) -> str | None:
    """The id that came with the newest event of the asset that began this run, or None where none did."""
    events = get_current_context()["triggering_asset_events"].get(asset) or ()
    return str(events[-1].extra[name]) if events else None
