"""`nextpick releases`: what is live, what could be, and who decided what."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markdown import Markdown
from rich.text import Text

from nextpick.commands.moments import short
from nextpick.commands.tables import add, plain
from nextpick.params import load_params
from nextpick.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from nextpick.store.release_log import Entry
    from nextpick.store.standings import Standing

HEADS = ("no", "state", "model", "users", "lists as of", "made", "size", "overlap")
FIGURES = ("no", "users", "size", "overlap")


def releases(
    release: Annotated[int | None, typer.Argument(help="Show what this one changed, and for whom most.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many of the newest, besides the live one.")] = 10,
) -> None:
    """List the releases with what stands against them, and who made which live, when and why."""
    from nextpick.store import release_log, standings
    from nextpick.store.connection import connect

    console = Console()
    with connect(load_settings().database()) as conn:
        if release is not None:
            from nextpick.stages import compare

            console.print(Markdown(compare.kept(conn, release)))
            return
        found, entries = standings.newest(conn, n), release_log.newest(conn, n)
    if not found:
        console.print("There is no release yet: `nextpick train`, then `nextpick publish`.")
        return
    now = datetime.now(UTC)
    console.print(_table(found, now))
    for line in (*_why(found), _forecast(found)):
        if line:
            console.print(Text(line))
    if entries:
        console.print(_log(entries, now))


def _table(found: "Sequence[Standing]", now: datetime) -> "Table":
    """A line a release, of 80 columns at most."""
    table = plain("Releases, moments in UTC", *HEADS, right=FIGURES)
    for one in found:
        add(
            table,
            str(one.release_id),
            "live" if one.live else one.status,
            one.model_version,
            f"{one.users:,}" if one.users is not None else "",
            short(one.cutoff, now),
            short(one.created_at, now),
            decimal(one.bytes) if one.bytes is not None else "",
            f"{one.overlap:.2f}" if one.overlap is not None else "",
        )
    return table


def _why(found: "Sequence[Standing]") -> Iterator[str]:
    """What stands against a release, in sentences."""
    for one in found:
        left = one.rejected and f"version {one.model_version} was gone back from: {one.rejected}"
        if why := " ".join(one.reasons) or left:
            yield f"Release {one.release_id} is {'live' if one.live else one.status}: {why}"


def _forecast(found: "Sequence[Standing]") -> str:
    """What the kept generations take once they are as large as the newest whole one, with the last one of the model
    before and one more in the making."""
    newest = next((one for one in found if one.users and one.bytes), None)
    if newest is None:
        return ""
    settings, size = load_settings(), newest.bytes or 0
    kept = load_params(settings.project / "params.yaml").retention.generations
    return (
        f"{size / (newest.users or 1):,.0f} bytes a user; {kept} generations, one of the model before and one in the "
        f"making take {decimal((kept + 2) * size)}."
    )


def _log(entries: "Sequence[Entry]", now: datetime) -> "Table":
    """When, and all the rest in a sentence: who may be the run of a DAG, and a reason has any length."""
    table = plain("\nWho made what live", "when", "who did what, from release to release, and why")
    for entry in entries:
        left = "" if entry.from_release is None else f" from {entry.from_release}"
        came = "" if entry.to_release is None else f" to {entry.to_release}"
        why = f": {entry.reason}" if entry.reason else ""
        table.add_row(Text(short(entry.at, now), no_wrap=True), Text(f"{entry.who}: {entry.action}{left}{came}{why}"))
    return table
