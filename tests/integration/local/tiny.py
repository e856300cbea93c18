"""A project whose four DAGs do next to nothing, and whose third one fails."""

import shutil
from pathlib import Path

import pandas as pd

from nextpick.settings import PROJECT

SAMPLE = Path("data") / "sample" / "online_retail.parquet"
LINES = 20_000
DAG = """
from airflow.sdk import Asset, dag, task

@dag(schedule={schedule}, default_args={{"retries": 0}})
def {name}():
    @task(outlets=[Asset("made-by-{name}")])
    def step():
        print("a word before")
        {body}
    step()

{name}()
"""
CHAIN = (
    ("data_prep", None, "pass"),
    ("retrain", "data_prep", "pass"),
    ("precompute", "retrain", "raise ValueError(42)"),
)


def make(folder: Path) -> None:
    """Write it into `folder`."""
    (folder / "plugins").mkdir(parents=True)
    (folder / "dags").mkdir()
    for name, after, body in (*CHAIN, ("drift_report", "precompute", "pass")):
        schedule = f'[Asset("made-by-{after}")]' if after else None
        (folder / "dags" / f"{name}.py").write_text(DAG.format(name=name, schedule=schedule, body=body))
    shutil.copy(PROJECT / "params.yaml", folder)
    (folder / SAMPLE.parent).mkdir(parents=True)
    lines = pd.read_parquet(PROJECT / SAMPLE)
    lines.iloc[:: len(lines) // LINES].to_parquet(folder / SAMPLE)
