"""Stage: may the bundle a run made become champion? Both models are tested on the run's own test window."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import structlog

from nextpick.errors import DataError
from nextpick.evaluation import lists
from nextpick.evaluation.canary import knowing_the_future
from nextpick.evaluation.gate import Decision, Rails, Scores, decide, notes
from nextpick.evaluation.report import MODEL, per_user
from nextpick.evaluation.trial import two_stage
from nextpick.features.holdout import holdout
from nextpick.models import candidates
from nextpick.models.bundle import Bundle
from nextpick.params import Params, load_params
from nextpick.stages import evaluate, prepared, train_collab, train_ranker

MB = 1e6  # bytes
log = structlog.get_logger()


def run(project: Path, champion: Bundle | None) -> Decision:
    """Decide on the bundle of `project`, a folder in which the stage evaluate has run.

    The champion is tested as the challenger was: with its own ranker and parameters, and candidates fitted on the
    interactions before the test window, not those it ships, which may know that window. Raises: DataError.
    """
    params, found = load_params(project / "params.yaml"), evaluate.read(project)
    measured = found.per_user
    best, churn = (None, None) if champion is None else _champion(project, champion, params, found.per_user)
    scores = Scores(measured[MODEL].to_numpy(), measured["popular"].to_numpy(), best)
    decision = decide(scores, _rails(project, found.figures, churn, params), params)
    said = notes(found.figures, params.evaluation.k)
    if champion is not None and champion.windows.test_from > prepared.read(project).windows.test_from:
        said += ("The champion's ranker learnt from a part of this test window, which flatters the champion.",)
    decision = replace(decision, reasons=(*decision.reasons, *said))
    log.info("the gate lets it pass" if decision.promote else "the gate refuses it")
    for reason in decision.reasons:
        log.info(reason)
    return decision


def _rails(project: Path, figures: dict[str, float], churn: float | None, params: Params) -> Rails:
    k, ranker = params.evaluation.k, train_ranker.read(project)
    sizes = [path.stat().st_size for path in (project / evaluate.BUNDLE).iterdir()]
    generators = train_collab.read(project, "test", params)
    return Rails(
        coverage=figures[f"coverage_at_{k}"],
        popularity_share=figures[f"popularity_share_at_{k}"],
        churn=churn,
        bundle_mb=sum(sizes) / MB,
        leaves=sum(map(int, re.findall(r"^num_leaves=(\d+)$", ranker.text, re.MULTILINE))),
        leaks=knowing_the_future(prepared.read(project), generators, ranker.features, params),
    )


def _champion(
    project: Path, champion: Bundle, params: Params, measured: pd.DataFrame
) -> tuple[np.ndarray, float | None]:
    """The champion's ndcg of each user, and the share of the challenger's lists that its own lack.

    What is relevant, how long lists are and how much memory a fit may take is the challenger's to say.
    """
    snapshot, k = prepared.read(project), params.evaluation.k
    rules = {name: getattr(params, name) for name in ("data", "scenarios", "evaluation", "seed")}
    room = {"ease": champion.params.ease.model_copy(update={"max_gb": params.ease.max_gb})}
    own = champion.params.model_copy(update=rules | room)
    held = holdout(snapshot, own, snapshot.windows.test_from, snapshot.windows.cutoff)
    if not np.array_equal(held.users, measured["user_row"]):
        raise DataError(
            f"{project / evaluate.EVALUATION} was made from other data than {project / prepared.PREPARED}. "
            "Run `dvc repro evaluate` there."
        )
    trial = two_stage(candidates.fit(held.histories, own), champion.ranker, held, own)
    ndcg = per_user(trial.lists, held, k)[f"ndcg_at_{k}"]
    if not len(ndcg):
        return ndcg, None
    return ndcg, float(np.nanmean(lists.churn(np.stack(list(measured["items"])), trial.lists)))
