"""The steps between lists that are written and a release that is live: finished, compared, made live or kept out."""

from collections.abc import Collection
from typing import Any

import structlog
from airflow.sdk import BaseOperator, BaseOperatorLink, task

from nextpick.errors import ReleaseRefused
from nextpick_airflow.assets import RELEASE, made
from nextpick_airflow.database import connection
from nextpick_airflow.skipping import skip
from nextpick_airflow.window import param, run_id, who

log = structlog.get_logger()


@task
def finish(shards: list[dict[str, Any]]) -> int:
    """Make the release whole that the shards have filled; returns its id."""
    from nextpick.settings import load_settings
    from nextpick.stages import precompute

    with connection() as conn:
        return precompute.finish(conn, load_settings(), shards[0]["release_id"])


class DiffLink(BaseOperatorLink):
    """A button on the task's page that leads to the diff in MLflow."""

    name = "What the release changes"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return str(getattr(operator, "link", ""))


class Compare(BaseOperator):
    """Compares a release with the live one. One that changes too much fails this task, and so is not made live.

    Where the form of the run says why it is to be published whatever stands against it, that is only logged.
    """

    template_fields: Collection[str] = ("release_id",)
    operator_extra_links = (DiffLink(),)

    def __init__(self, *, release_id: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.release_id = release_id
        self.link = ""

    def execute(self, context: Any) -> int:
        from nextpick.settings import load_settings
        from nextpick.stages import compare

        with connection() as conn:
            found = compare.run(conn, load_settings(), int(self.release_id), who=run_id())
        self.link = found.link
        if found.blocked and not param("because"):
            raise ReleaseRefused(
                f"Release {found.release_id} is blocked, and what is live stays: {' '.join(found.reasons)} "
                f"Publish it all the same: nextpick publish --release {found.release_id} --because WHY"
            )
        return found.release_id


@task(outlets=[RELEASE])
def go_live(release_id: int) -> None:
    """Make the release live, unless the form says otherwise, and tell who waits for one."""
    from nextpick.settings import load_settings
    from nextpick.stages import go_live

    if param("flip") is False:
        skip(f"Release {release_id} is ready. To make it live: nextpick publish --release {release_id}")
    with connection() as conn:
        done = go_live.run(conn, load_settings(), release_id, who=who(), because=param("because") or "")
    for line in go_live.told(done):
        log.info(line)
    made(RELEASE, release_id=release_id)


@task
def refresh_challenger() -> None:
    """Where traffic is split, give the challenger lists as fresh; it keeps those it has where that fails."""
    from nextpick.settings import load_settings
    from nextpick.stages import split

    with connection() as conn:
        if (release_id := split.refresh(conn, load_settings(), run_id=run_id(), who=run_id())) is None:
            skip("Traffic is not split, so there is no challenger to make lists for.")
    log.info("the challenger's lists are fresh", release=release_id)
