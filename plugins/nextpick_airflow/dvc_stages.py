"""dvc.yaml as a task group: one task a stage, with the dependencies that DVC itself would find."""

from pathlib import Path
from typing import Any

from airflow.sdk import task, task_group

from nextpick_airflow.pool import DVC_POOL
from nextpick_airflow.window import param


@task(pool=DVC_POOL)
def reproduce(folder: str, stage: str) -> bool:
    """Bring one stage up to date in the run's folder; true where its result was known and nothing was computed."""
    from nextpick import pipeline

    return pipeline.reproduce(Path(folder), stage, force=bool(param("force"))).cached


@task_group(group_id="dvc", tooltip="The stages of dvc.yaml")
def dvc_stages(folder: Any) -> None:
    """A task for each stage; `folder` is what the task that made the run's folder returned."""
    from nextpick import pipeline
    from nextpick.settings import load_settings

    made: dict[str, Any] = {}
    for stage, upstream in pipeline.stages(load_settings().project / "dvc.yaml").items():
        made[stage] = reproduce.override(task_id=stage, doc_md=f"`dvc repro --single-item {stage}`")(folder, stage)
        for other in upstream:
            made[other] >> made[stage]
