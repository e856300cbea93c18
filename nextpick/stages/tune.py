"""Stage: search for better parameters on the label windows, and write them down for a person to review.

Nothing that is live changes, nor any file of the checkout: all is written to `<home>/tuning/<run>`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psycopg
import structlog

from nextpick import pipeline
from nextpick.errors import RegistryError
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import checkout, prepared
from nextpick.tuning import review, runs, space
from nextpick.tuning.rehearsal import Rehearsal
from nextpick.tuning.study import Study, Tried

PROPOSED, DIFFERENCE, JOURNAL = "params.yaml", "params.diff", "journal.log"
log = structlog.get_logger()


@dataclass(frozen=True)
class Tuned:
    """What a search found: how good the present parameters are, the best, and where they are written.

    `difference` is empty where nothing better was found. `interrupted` says that a person, or who runs the task, ended
    it early.
    """

    present: Tried
    best: Tried
    trials: int
    users: int
    proposed: Path
    difference: str
    interrupted: bool

    def said(self) -> str:
        """All of it, for a person to read."""
        ended = "Interrupted after" if self.interrupted else "After"
        was = f"{ended} {self.trials} trials, each on {self.users:,} users: ndcg {self.present.worth:.4f} as it is"
        if not self.difference:
            return f"{was}, and nothing better was found."
        better = f"{was}, {self.best.worth:.4f} with this (the best of many, so it flatters):"
        return f"{better}\n\n{self.difference}\nAll of it: {self.proposed}"


@dataclass(frozen=True)
class Limits:
    """When a search ends: after so many minutes of this call, or trials in all where a number is given."""

    minutes: float
    trials: int | None = None


def searches(settings: Settings) -> list[str]:
    """The names of the searches on this machine, oldest first."""
    found = (settings.home / "tuning").glob(f"*/{JOURNAL}")
    return [journal.parent.name for journal in sorted(found, key=lambda journal: journal.stat().st_mtime)]


def prepare(settings: Settings, conn: psycopg.Connection | None, *, run_id: str) -> Path:
    """A run's folder with the newest snapshot in it, or with the sample where `conn` is None, made ready.

    Raises: DataError; PipelineError.
    """
    if conn is None:
        folder = pipeline.start(settings, run_id)
        pipeline.fetch_sample(folder)
    else:
        folder = checkout.run(conn, settings, run_id=run_id)
    pipeline.reproduce(folder, "data_prep")
    return folder


def run(
    settings: Settings, folder: Path, *, limits: Limits, tell: Callable[[Tried, Tried, float], object] = lambda *_: None
) -> Tuned:
    """Search from the parameters of `folder`; called again with it, go on where the last call ended.

    `tell` hears of each trial, the best so far, and the share of the limits that is used up. Ctrl-C ends the search
    and keeps what it found, once the present parameters have been measured.

    Raises: DataError; ConfigError; RegistryError where MLflow is away from the start.
    """
    began, params, snapshot = monotonic(), load_params(folder / "params.yaml"), prepared.read(folder)
    place = settings.home.resolve() / "tuning" / folder.name
    rehearsal = Rehearsal(snapshot, params)
    study = Study(place / JOURNAL, space.blocks(params), space.values(params), snapshot.data_md5)
    parent = runs.begin(settings, folder.name, {"data_md5": snapshot.data_md5})

    def used() -> float:
        minutes = (monotonic() - began) / 60 / limits.minutes
        return min(max(minutes, len(study.tried) / limits.trials if limits.trials else 0.0), 1.0)

    interrupted = False
    metric = f"ndcg_at_{params.evaluation.k}"
    try:
        while study.best is None or used() < 1:
            tried = study.next(
                lambda values: rehearsal.ndcg(space.with_values(params, values)),
                rehearsal.windows,
                params.seed,
                lambda: used() >= 1,
            )
            _logged(settings, parent, tried, study, metric)
            tell(tried, study.best or tried, used())
    except KeyboardInterrupt:
        if study.best is None:
            raise
        interrupted = True
    found = _written(folder, place, study, rehearsal.users, interrupted)
    figures = {metric: found.best.worth, f"present_{metric}": found.present.worth, "trials": float(found.trials)}
    runs.end(settings, parent, figures, [place / PROPOSED, place / DIFFERENCE])
    return found


def _logged(settings: Settings, parent: str, tried: Tried, study: Study, metric: str) -> None:
    """MLflow may go away meanwhile: the journal has it all."""
    best = study.best or tried
    log.info(
        "trial",
        number=tried.number,
        varied=tried.block,
        state=tried.state,
        windows=tried.windows,
        best=round(best.worth, 5),
        **{metric: round(tried.worth, 5)},
    )
    try:
        runs.add(settings, parent, tried, metric)
    except RegistryError as error:
        log.warning("trial not in MLflow", number=tried.number, why=str(error))


def _written(folder: Path, place: Path, study: Study, users: int, interrupted: bool) -> Tuned:
    """The proposal, as files, and what is to be said of it."""
    tried = study.tried
    present = next(one for one in tried if one.block == "present" and one.state == "tried")
    best = study.best or present
    changed = {name: value for name, value in best.values.items() if value != present.values[name]}
    text = (folder / "params.yaml").read_text()
    proposed = review.rewritten(text, changed) if changed else text
    difference = review.difference(text, proposed)
    (place / PROPOSED).write_text(proposed)
    (place / DIFFERENCE).write_text(difference)
    return Tuned(present, best, len(tried), users, place / PROPOSED, difference, interrupted)
