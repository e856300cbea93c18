"""Stage: may the bundle a run made become champion? Both models are tested on the run's own test window."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog

from nextpick.errors import DataError
from nextpick.evaluation.gate import Decision, Scores, decide
from nextpick.evaluation.report import MODEL, per_user
from nextpick.evaluation.trial import two_stage
from nextpick.features.holdout import holdout
from nextpick.models import candidates
from nextpick.models.bundle import Bundle
from nextpick.params import Params, load_params
from nextpick.stages import evaluate, prepared

log = structlog.get_logger()


def run(project: Path, champion: Bundle | None) -> Decision:
    """Decide on the bundle of `project`, a folder in which the stage evaluate has run.

    The champion is tested as the challenger was: with its own ranker and parameters, and candidates fitted on the
    interactions before the test window, not those it ships, which may know that window. Raises: DataError.
    """
    params = load_params(project / "params.yaml")
    measured = evaluate.read(project).per_user
    users = measured["user_row"].to_numpy()
    scores = Scores(
        challenger=measured[MODEL].to_numpy(),
        popular=measured["popular"].to_numpy(),
        champion=None if champion is None else _champion(project, champion, params, users),
    )
    decision = decide(scores, params)
    if champion is not None and champion.windows.test_from > prepared.read(project).windows.test_from:
        note = "The champion's ranker learnt from a part of this test window, which flatters the champion."
        decision = replace(decision, reasons=(*decision.reasons, note))
    log.info("the gate lets it pass" if decision.promote else "the gate refuses it")
    for reason in decision.reasons:
        log.info(reason)
    return decision


def _champion(project: Path, champion: Bundle, params: Params, users: np.ndarray) -> np.ndarray:
    """The champion's ndcg of each of `users`: what is relevant and how long lists are is the challenger's to say."""
    snapshot = prepared.read(project)
    rules = {name: getattr(params, name) for name in ("data", "scenarios", "evaluation", "seed")}
    own = champion.params.model_copy(update=rules)
    held = holdout(snapshot, own, snapshot.windows.test_from, snapshot.windows.cutoff)
    if not np.array_equal(held.users, users):
        raise DataError(
            f"{project / evaluate.EVALUATION} was made from other data than {project / prepared.PREPARED}. "
            "Run `dvc repro evaluate` there."
        )
    trial = two_stage(candidates.fit(held.histories, own), champion.ranker, held, own)
    return per_user(trial.lists, held, params.evaluation.k)[f"ndcg_at_{params.evaluation.k}"]
