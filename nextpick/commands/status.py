"""`nextpick status`: what is live, what the models are, and what was done lately."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from nextpick.commands.moments import at, short
from nextpick.commands.tables import add, plain
from nextpick.errors import NextPickError
from nextpick.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from nextpick.registry import ModelVersion
    from nextpick.store.pipeline_runs import Last
    from nextpick.store.status import Release

SHOWN = 5  # versions, releases


def status() -> None:
    """Show what is live, the last runs and what is under way, champion and challenger with the gate's reasons."""
    settings, console = load_settings(), Console()
    with _told(console):
        _database(settings, console)
    with _told(console):
        _models(settings, console)


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """What one part cannot say does not keep the other from speaking."""
    try:
        yield
    except NextPickError as error:
        console.print(Text(f"\n{error}", style="red"))


def _database(settings: Settings, console: Console) -> None:
    from nextpick.local.loop import under_way
    from nextpick.store import pipeline_runs, status
    from nextpick.store.connection import connect

    with connect(settings.database()) as conn:
        found, ended = status.read(conn, SHOWN), pipeline_runs.last(conn)
    begun = under_way(settings)
    live = next((release for release in found.releases if release.live), None)
    if live is None:
        how = "; what is under way may bring one" if begun else ": `nextpick train`, then `nextpick publish`"
        console.print(f"No release is live yet{how}.")
    else:
        users = f"{live.users:,} users' lists" if live.users is not None else "lists"
        console.print(
            f"Live: release {live.release_id}, model version {live.model_version}, {users} as of {at(live.cutoff)}"
        )
    newest = f", the newest of {at(found.newest_event)}" if found.newest_event else ""
    console.print(f"Events: about {found.events:,}{newest}")
    if found.snapshot:
        console.print(
            f"Snapshot: {found.snapshot.events:,} events before {at(found.snapshot.cutoff)}, {found.snapshot.raw_md5}"
        )
    if found.drift:
        console.print(f"Drift: {found.drift[0]} on {at(found.drift[1])}")
    now = datetime.now(UTC)
    for run in begun:
        console.print(Text(f"Under way: {run.name}, {run.state} for {run.seconds or 0:.0f} s, {run.detail}"))
    if ended:
        console.print(_runs(ended, now))
    if found.releases:
        console.print(_releases(found.releases, now))


def _runs(ended: "Sequence[Last]", now: datetime) -> "Table":
    table = plain("\nLast runs, moments in UTC", "DAG", "outcome", "ended", "took", right=("took",))
    for run in ended:
        seconds = (run.ended_at - run.started_at).total_seconds() if run.started_at else None
        add(table, run.dag, run.outcome, short(run.ended_at, now), "" if seconds is None else f"{seconds:,.0f} s")
    return table


def _releases(releases: "Sequence[Release]", now: datetime) -> "Table":
    heads = ("release", "model", "state", "users", "lists as of", "made")
    table = plain("\nReleases, moments in UTC", *heads, right=("release", "users"))
    for release in releases:
        state = "live" if release.live else release.status
        users = f"{release.users:,}" if release.users is not None else ""
        moments = (short(release.cutoff, now), short(release.created_at, now))
        add(table, str(release.release_id), release.model_version, state, users, *moments)
    return table


def _models(settings: Settings, console: Console) -> None:
    from nextpick import registry

    versions = registry.newest(settings, SHOWN)
    if not versions:
        console.print("\nNo model is registered yet.")
        return
    console.print(_versions(versions, datetime.now(UTC)))
    for version in versions[:1]:
        asked = version.answer and f"Promotion {version.answer}"
        run = version.lineage.get("run_id", "")
        for reason in (
            version.rejected,
            version.forced and f"Promoted because: {version.forced}",
            asked,
            *version.reasons,
            run and f"Trained by the run {run}",
        ):
            if reason:
                console.print(Text(f"{version.version}: {reason}"), soft_wrap=True)
        if version.gate:
            console.print(f"{version.version}: all that was measured is on its card: nextpick card {version.version}")


def _versions(versions: "Sequence[ModelVersion]", now: datetime) -> "Table":
    table = plain("\nModels", "model", "is", "gate", "registered")
    for version in versions:
        is_now = "rejected" if version.rejected else ", ".join(sorted(version.aliases))
        gate = f"{version.gate}, forced" if version.forced else version.gate or "not asked"
        add(table, version.version, is_now, gate, short(version.created_at, now))
    return table
