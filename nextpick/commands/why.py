"""`nextpick why`: where a recommendation came from."""

from math import isnan
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nextpick.commands.moments import at
from nextpick.settings import load_settings

if TYPE_CHECKING:
    from nextpick.stages.why import Chain, Item


def why(
    recommendation_id: Annotated[str, typer.Argument(help="The recommendation_id of an answer of the API.")],
    features: Annotated[int, typer.Option(min=0, help="How many features of each item to name.")] = 4,
) -> None:
    """Show where a recommendation came from, down to data and code, and what moved the score of each item."""
    from nextpick.stages import why
    from nextpick.store.connection import connect

    settings, console = load_settings(), Console()
    with connect(settings.database()) as conn:
        chain = why.run(conn, settings, recommendation_id)
    grid = Table.grid(padding=(0, 2))
    for name, value in _links(chain).items():
        grid.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    console.print(grid)
    if chain.missing:
        console.print(Text(chain.missing, style="yellow"), soft_wrap=True)
    table = Table("", "item", "title", "score", "source", "moved by")
    for item in chain.items:
        score = "" if isnan(item.score) else f"{item.score:.3f}"
        cells = (str(item.rank), item.item_id, item.title, score, item.source, _moved(item, features))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    if any(item.moves for item in chain.items):
        console.print(f"Every score starts from {chain.start:+.3f}; what all features move adds up to the rest.")


def _links(chain: "Chain") -> dict[str, str]:
    """From the answer back to data and code; what is not known is left out."""
    answer, release, lineage = chain.impression, chain.release, chain.lineage
    state = "live" if release.live else release.status
    changes = ", with changes no commit has" if lineage.get("dirty") == "true" else ""
    links = {
        "answer": f"{answer.recommendation_id} to {answer.user_id}, {at(answer.answered_at)}, knowing all before "
        f"{at(answer.as_of)}",
        "release": f"{release.release_id} ({state}), lists as of {at(release.cutoff)}",
        "made by": release.run_id,
        "bundle": f"{release.bundle_sha256} in {release.bundle_uri}",
        "model": f"version {release.model_version}",
        "MLflow run": lineage.get("mlflow_run_id", ""),
        "trained by": lineage.get("run_id", ""),
        "data": f"md5 {lineage['data_md5']}" if "data_md5" in lineage else "",
        "dvc.lock": f"md5 {lineage['dvc_lock_md5']}" if "dvc_lock_md5" in lineage else "",
        "code": f"git {lineage['git_sha']}{changes}" if "git_sha" in lineage else "",
    }
    return {name: value for name, value in links.items() if value}


def _moved(item: "Item", most: int) -> str:
    return ", ".join(
        f"{move.by:+.3f} {move.feature}={'unknown' if isnan(move.value) else f'{move.value:.4g}'}"
        for move in item.moves[:most]
        if move.by
    )
