"""`nextpick recommend`: what the service would answer a user now."""

from typing import Annotated

import typer

from nextpick.settings import load_settings


def recommend(
    user_id: Annotated[str, typer.Argument(help="Any text; a user nobody knows gets popular items.")],
    k: Annotated[int, typer.Option("-k", "--top-k", min=1, max=100, help="How many items.")] = 10,
) -> None:
    """Show a user's recommendations from the live release, re-scored against what the user did since."""
    from math import isnan

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nextpick.release.answer import reasons
    from nextpick.stages import recommend
    from nextpick.store.connection import connect

    settings = load_settings()
    with connect(settings.database()) as conn:
        loaded, found = recommend.run(conn, settings, user_id, k)
    title = f"{user_id}: release {loaded.release_id}, model version {loaded.model_version}"
    table = Table("", "item", "title", "score", "source", "reason", title=Text(title), title_justify="left")
    slots, why = found.slots, reasons(loaded, found)
    for i, row in enumerate(slots.item_rows.tolist()):
        score = float(slots.scores[i])
        shown = ["" if isnan(score) else f"{score:.3f}", slots.sources[i], why[i]]
        cells = [str(i + 1), loaded.items.ids[row], loaded.table.titles[row], *shown]
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
