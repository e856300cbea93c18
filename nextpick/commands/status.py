"""`nextpick status`: what is live, what the models are, and what was done lately."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nextpick.commands.moments import at
from nextpick.errors import NextPickError
from nextpick.settings import Settings, load_settings

SHOWN = 5  # versions, releases


def status() -> None:
    """Show what is live, champion and challenger with the gate's reasons, and the last runs."""
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
    from nextpick.store import status
    from nextpick.store.connection import connect

    with connect(settings.database()) as conn:
        found = status.read(conn, SHOWN)
    live = next((release for release in found.releases if release.live), None)
    if live is None:
        console.print("No release is live yet: `nextpick train`, then `nextpick publish`.")
    else:
        users = f"{live.users:,} users' lists" if live.users is not None else "lists"
        console.print(
            f"Live: release {live.release_id}, model version {live.model_version}, {users} as of {at(live.cutoff)}"
        )
    newest = f", the newest of {at(found.newest_event)}" if found.newest_event else ""
    console.print(f"Events: about {found.events:,}{newest}")
    if found.snapshot:
        console.print(
            f"Snapshot: {found.snapshot.raw_md5}, {found.snapshot.events:,} events before {at(found.snapshot.cutoff)}"
        )
    if found.drift:
        console.print(f"Drift: {found.drift[0]} on {at(found.drift[1])}")
    table = Table("release", "version", "state", "users", "as of", "made", title="Releases", title_justify="left")
    for release in found.releases:
        state = "live" if release.live else release.status
        users = f"{release.users:,}" if release.users is not None else ""
        made = at(release.created_at)
        table.add_row(str(release.release_id), release.model_version, state, users, at(release.cutoff), made)
    console.print(table)


def _models(settings: Settings, console: Console) -> None:
    from nextpick import registry

    table = Table("version", "is", "gate", "trained", "run", title="Models", title_justify="left")
    versions = registry.newest(settings, SHOWN)
    for version in versions:
        now = "rejected" if version.rejected else ", ".join(sorted(version.aliases))
        gate = f"{version.gate}, forced" if version.forced else version.gate or "not asked"
        table.add_row(version.version, now, gate, at(version.created_at), Text(version.lineage.get("run_id", "")))
    console.print(table)
    for version in versions[:1]:
        asked = version.answer and f"Promotion {version.answer}"
        for reason in (
            version.rejected,
            version.forced and f"Promoted because: {version.forced}",
            asked,
            *version.reasons,
        ):
            if reason:
                console.print(Text(f"{version.version}: {reason}"), soft_wrap=True)
        if version.gate:
            console.print(f"{version.version}: all that was measured is on its card: nextpick card {version.version}")
