"""The model card: what it says of a model that passed and of one that was refused, and its plots."""

import struct
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd

from nextpick.card.facts import Facts
from nextpick.card.plots import plots
from nextpick.card.text import card
from nextpick.data.split import Windows
from nextpick.evaluation.gate import Decision, Rails, Scores, decide
from nextpick.evaluation.ips import Estimate
from nextpick.evaluation.report import MODEL, Report
from nextpick.schema import US_PER_DAY
from tests.worlds import params

PARAMS = params(evaluation={"bootstrap_samples": 100})
NAMES = (MODEL, "popular", "als")
RAILS = Rails(coverage=0.3, popularity_share=0.4, churn=0.25, bundle_mb=2.0, leaves=3000)
NDCG = {MODEL: 0.4, "popular": 0.1, "als": 0.3}


def measured() -> Report:
    rows = [
        (part, name, 90, NDCG[name], NDCG[name] - 0.02, NDCG[name] + 0.02) for part in ("all", "cold") for name in NAMES
    ]
    figures = {"users": 90.0, "users_without_relevant": 10.0, "auc": 0.7, "pool_size": 150.0, "pool_recall": 0.5}
    figures |= {f"{name}_at_10": 0.25 for name in ("recall", "coverage", "popularity_share", "novelty", "diversity")}
    for name in NAMES[1:]:
        figures |= {
            f"{name}_recall_at_10": 0.2,
            f"{name}_coverage_at_10": 0.1,
            f"over_{name}": NDCG[MODEL] - NDCG[name],
        }
        figures |= {f"over_{name}_low": 0.08, f"over_{name}_high": 0.12}
    curves = [(name, k, k * NDCG[name] / 10, NDCG[name]) for name in NAMES for k in range(1, 11)]
    return Report(
        figures,
        pd.DataFrame({"user_row": [1]}),
        pd.DataFrame(rows, columns=["slice", "contender", "users", "ndcg", "low", "high"]),
        pd.DataFrame(curves, columns=["contender", "k", "recall", "ndcg"]),
    )


def facts(champion_ndcg: float = 0.35) -> Facts:
    rng = np.random.default_rng(0)
    mine = np.clip(rng.normal(0.4, 0.1, 90), 0, 1)
    scores = Scores(mine, mine - 0.3, mine * champion_ndcg / 0.4)
    return Facts(
        decision=decide(scores, RAILS, PARAMS),
        report=measured(),
        params=PARAMS,
        windows=Windows((20_000 * US_PER_DAY,), 20_028 * US_PER_DAY, 20_056 * US_PER_DAY),
        trained_on={"interactions": 12_345, "users": 100, "items": 50},
        bundle_sha256="a" * 64,
        version="7",
        champion="6",
        champion_params=params(evaluation={"bootstrap_samples": 100}, als={"factors": 3}),
        lineage={"data_md5": "d" * 32, "run_id": "retrain.r1", "git_sha": "f" * 40, "dirty": "true"},
        importance={
            "gain": {"als_score": 0.75, "own_count": 0.25},
            "contribution": {"als_score": 0.1, "own_count": 0.2},
        },
    )


def test_a_card_says_all_that_was_measured_and_decided() -> None:
    found = facts()
    text = card(found, ("contenders.png", "importance.png"))
    assert text.startswith("# Model card: version 7, passed by the gate\n\n- It is better than the popular list")
    for line in (
        "| **Holds** | 12,345 interactions of 100 users with 50 items |",
        "| **The ranker learnt from** | 2024-10-04 00:00 to 2024-11-01 00:00 |",
        "| **Tested on** | 2024-11-01 00:00 to 2024-11-29 00:00, by candidates fitted on what was before |",
        f"| **Code** | {'f' * 40}, with changes no commit has |",
        "| **two_stage** | 0.4000 [0.3800, 0.4200] |  | 0.2500 | 25.0% |",
        "| als | 0.3000 [0.2800, 0.3200] | +0.1000 [+0.0800, +0.1200] | 0.2000 | 10.0% |",
        "| cold | users without a history | 90 | 0.4000 [0.3800, 0.4200] | als 0.3000 |",
        "| of a user's list not in the champion's | 0.25 | at most 0.8 | holds |",
        "![ndcg of every contender with its bounds](contenders.png)",
        "![importance of the ranker's features](importance.png)",
        "| `als.factors` | 3 | 64 |",
        "  bootstrap_samples: 100",
    ):
        assert line in text, line
    own = found.decision.figures
    assert f"| champion (6) | {own['champion_ndcg_at_10']:.4f} [" in text
    assert "slices.png" not in text  # it was not drawn
    assert "The champion before was version 6: `nextpick promote 6 --because WHY` makes it that again" in text


def test_a_refused_model_has_a_card_too_and_it_says_what_to_do() -> None:
    worse = facts(champion_ndcg=0.6)
    text = card(worse)
    assert text.startswith("# Model card: version 7, refused by the gate\n")
    assert "- It may be worse than the champion" in text
    assert "| above the champion less the margin, lower bound | -0." in text
    assert "**does not hold**" in text
    assert "Nothing changes: the champion stays (version 6)" in text
    assert "`nextpick promote 7 --because WHY`" in text


def test_what_was_never_measured_is_said_to_be_so() -> None:
    """A holdout without users: no slices, no rules."""
    report = replace(
        measured(),
        figures={**measured().figures, "users": 0.0},
        slices=measured().slices.iloc[:0],
        per_user=pd.DataFrame({"user_row": []}),
    )
    decision = Decision(False, ("No user of the test window has a relevant item, so nothing can be shown.",), {})
    nothing = replace(facts(), report=report, decision=decision, champion="", champion_params=None, importance={})
    text = card(nothing, tuple(plots(nothing)))
    assert "nothing could be measured" in text
    assert "None was asked: see the reason above." in text
    assert "the champion stays (none)" in text
    assert "## What its lists are made of\n\nThere were none." in text
    assert plots(nothing) == {}


def test_lists_that_hit_nothing_and_lists_of_one_place_are_drawn_without_complaint() -> None:
    """A line of one point says nothing, so there is none; matplotlib warns of an axis without a length."""
    report = measured()
    report.slices[["ndcg", "low", "high"]] = 0.0
    assert len(plots(replace(facts(), report=report, decision=Decision(False, (), {})))) == 4
    one = replace(facts(), report=report, params=params(evaluation={"k": 1}), decision=Decision(False, (), {}))
    assert list(plots(one)) == ["contenders.png", "slices.png", "importance.png"]


def test_answers_with_lots_say_what_its_lists_would_have_earned_and_when_not_to_believe_it() -> None:
    lots = Estimate(0.31, 0.25, 0.37, 0.4, 0.29, 1234.6, 1000, 0.97, 5678)
    said = (
        "By 5,678 answers some of whose places were given away by lot, its lists would have earned 0.3100 [0.2500, "
        "0.3700] items taken within a day an answer (inverse propensity scores, whatever the place; self-normalised "
        "0.4000), where those shown earned 0.2900; what is new in its lists came up 1,000 times."
    )

    def text(estimate: Estimate) -> str:
        report = measured()
        return card(replace(facts(), report=replace(report, figures={**report.figures, **estimate.figures()})))

    assert f"{said}\n\n## For whom" in text(lots)
    few = text(replace(lots, effective_sample_size=41.6, supported=0.64))
    rest = "Only 64% of its places could have: the others count as earning nothing."
    small = "the effective sample size is 42 places, below 100"
    assert f"{said} {rest} **Do not lean on this: {small}.**\n" in few
    narrow = "with fewer than 30 lots for what is new in its lists, the bounds may be too narrow"
    unlucky = said.replace("1,000 times", "29 times")
    assert f"{unlucky} **Do not lean on this: {narrow}.**\n" in text(replace(lots, lots=29))
    both = text(replace(lots, lots=29, effective_sample_size=41.6))
    assert f"{unlucky} **Do not lean on this: {small}; {narrow}.**\n" in both
    assert "lean on" not in text(replace(lots, lots=30, effective_sample_size=100.0))
    assert "by lot" not in card(facts())


def test_a_slice_in_which_another_is_surely_better_is_marked() -> None:
    report = measured()
    report.slices.loc[5, ["ndcg", "low", "high"]] = (0.6, 0.55, 0.65)  # als, among the cold
    text = card(replace(facts(), report=report))
    assert "| **als 0.6000, surely better** |" in text
    assert text.count("surely better") == 1


def test_a_bar_in_a_value_breaks_no_table() -> None:
    odd = replace(facts(), lineage={"run_id": "a|b"})
    assert "| **Run** | a&#124;b |" in card(odd)


def test_plots_are_pictures_of_what_there_is_and_the_same_each_time() -> None:
    drawn = plots(facts())
    assert list(drawn) == ["contenders.png", "slices.png", "places.png", "importance.png"]
    assert plots(facts()) == drawn
    assert list(plots(replace(facts(), importance={}))) == ["contenders.png", "slices.png", "places.png"]
    for name, content in drawn.items():
        width, height, distinct = picture(content)
        assert (width, height >= 200) == (840, True), name
        assert distinct > 50, f"{name} is blank"


def test_another_figure_is_another_picture() -> None:
    other = facts(champion_ndcg=0.39)
    assert plots(other)["contenders.png"] != plots(facts())["contenders.png"]


def picture(content: bytes) -> tuple[int, int, int]:
    """Width, height, and how many different bytes a row of pixels is made of at most."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    at, data = 8, b""
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        if content[at + 4 : at + 8] == b"IDAT":
            data += content[at + 8 : at + 8 + size]
        at += size + 12
    return width, height, len(set(zlib.decompress(data)))
