"""`nextpick releases`: what is live, what could be, and who decided what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from nextpick.commands.moments import at
from nextpick.params import load_params
from nextpick.settings import load_settings

if TYPE_CHECKING:
    from nextpick.store.release_log import Entry
    from nextpick.store.standings import Standing


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
    console.print(_table(found))
    if forecast := _forecast(found):
        console.print(forecast)
    if entries:
        console.print(_log(entries))


def _table(found: "Sequence[Standing]") -> Table:
    heads = ("release", "state", "model", "users", "lists as of", "made", "size", "overlap", "why")
    table = Table(*heads, title="Releases")
    for one in found:
        left = one.rejected and f"version {one.model_version} was gone back from: {one.rejected}"
        cells = (
            str(one.release_id),
            "live" if one.live else one.status,
            one.model_version,
            f"{one.users:,}" if one.users is not None else "",
            at(one.cutoff),
            at(one.created_at),
            decimal(one.bytes) if one.bytes is not None else "",
            f"{one.overlap:.2f}" if one.overlap is not None else "",
            " ".join(one.reasons) or left,
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


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


def _log(entries: "Sequence[Entry]") -> Table:
    table = Table("when", "who", "did", "from", "to", "because", title="Who made what live")
    for entry in entries:
        ids = ("" if release is None else str(release) for release in (entry.from_release, entry.to_release))
        table.add_row(*(Text(cell) for cell in (at(entry.at), entry.who, entry.action, *ids, entry.reason)))
    return table
