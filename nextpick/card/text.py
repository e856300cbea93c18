"""The model card as Markdown (GitHub's tables), for MLflow, a terminal and Airflow's Required Actions alike."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from nextpick.card.facts import Facts
from nextpick.evaluation.ips import ENOUGH, SUPPORTED
from nextpick.evaluation.report import MODEL
from nextpick.evaluation.slices import ALL, MEANINGS
from nextpick.params import BEFORE_AND_AFTER, Params, flat

_ALT = {
    "contenders.png": "ndcg of every contender with its bounds",
    "slices.png": "ndcg by slice, beside the best of the others",
    "places.png": "recall by places shown",
    "importance.png": "importance of the ranker's features",
}
_LOTS = 30  # with 14 the bounds at 95 % held the truth 88 times of 100, with 27 96 times: benchmarks/lots.py
_RULES = {
    "over_popular_low": "how far it is above popular, lower bound",
    "over_champion_less_margin_low": "above the champion less the margin, lower bound",
    "told_apart": "users who tell it from popular",
    "leaks": "features that change when what happened later is drawn anew",
    "coverage": "of the catalogue in somebody's list",
    "popularity_share": "of the places with the most popular items",
    "churn": "of a user's list not in the champion's",
    "bundle_mb": "size of the bundle, MB",
    "leaves": "leaves of all trees",
}


def card(facts: Facts, plots: Sequence[str] = ()) -> str:
    """The whole card; `plots` names the files beside it that it is to show."""
    name = f"version {facts.version}" if facts.version else f"bundle {facts.bundle_sha256[:12]}"
    verdict = "passed by the gate" if facts.decision.promote else "refused by the gate"
    sections = [
        f"# Model card: {name}, {verdict}",
        _bullets(facts.decision.reasons),
        "## Data and windows",
        _data(facts),
        f"## How good: ndcg@{facts.k} on the test window",
        _contenders(facts),
        _by_lot(facts.report.figures),
        *_images(plots, "contenders.png", "places.png"),
        "## For whom",
        _slices(facts),
        *_images(plots, "slices.png"),
        "## Rules and guard-rails",
        _rules(facts),
        "## What its lists are made of",
        _lists(facts),
        *(["## What the ranker looks at", *_images(plots, "importance.png")] if "importance.png" in plots else []),
        "## How to undo",
        _undo(facts),
        "## Parameters",
        _parameters(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _data(facts: Facts) -> str:
    windows, counts = facts.windows, facts.trained_on
    labels = "; ".join(f"{_day(start)} to {_day(end)}" for start, end in windows.labels)
    dirty = ", with changes no commit has" if facts.lineage.get("dirty") == "true" else ""
    about = {
        "Holds": f"{counts['interactions']:,} interactions of {counts['users']:,} users with {counts['items']:,} items",
        "Snapshot": facts.lineage.get("data_md5", ""),
        "The ranker learnt from": labels,
        "Tested on": f"{_day(windows.test_from)} to {_day(windows.cutoff)}, by candidates fitted on what was before",
        "Ships knowing": f"all before {_day(windows.cutoff)}",
        "Run": facts.lineage.get("run_id", ""),
        "Code": f"{facts.lineage['git_sha']}{dirty}" if "git_sha" in facts.lineage else "",
        "Bundle": facts.bundle_sha256,
    }
    return _table(("", ""), [(f"**{name}**", value) for name, value in about.items() if value])


def _contenders(facts: Facts) -> str:
    k, figures, judged = facts.k, facts.report.figures, facts.decision.figures
    table = facts.report.slices
    rows = []
    for row in table[table["slice"] == ALL].sort_values("ndcg", ascending=False).itertuples():
        prefix = "" if row.contender == MODEL else f"{row.contender}_"
        rows.append(
            (
                f"**{MODEL}**" if row.contender == MODEL else row.contender,
                _bounded(row.ndcg, row.low, row.high),
                _over(figures, row.contender),
                f"{figures[f'{prefix}recall_at_{k}']:.4f}",
                f"{figures[f'{prefix}coverage_at_{k}']:.1%}",
            )
        )
    own = f"champion_ndcg_at_{k}"
    if own in judged:
        name = f"champion ({facts.champion})" if facts.champion else "champion"
        value = _bounded(judged[own], judged[f"{own}_low"], judged[f"{own}_high"])
        rows.append((name, value, _over(judged, "champion"), "", ""))
    if not rows:
        return "No user of the test window has a relevant item: nothing could be measured."
    users, others = int(figures["users"]), int(figures["users_without_relevant"])
    said = (
        f"{users:,} users took something in the test window; {others:,} took nothing and are not counted. "
        "Full catalogue, no sampling; bounds at 95 % by the bootstrap over users."
    )
    head = ("contender", f"ndcg@{k}", f"{MODEL} is above it by", f"recall@{k}", "of the catalogue")
    return f"{said}\n\n{_table(head, rows)}"


def _by_lot(figures: Mapping[str, float]) -> str:
    if "ips_answers" not in figures:
        return ""
    reward = _bounded(*(figures[f"ips_reward_{name}"] for name in ("per_answer", "low", "high")))
    said = (
        f"By {figures['ips_answers']:,.0f} answers some of whose places were given away by lot, its lists would have "
        f"earned {reward} items taken within a day an answer (inverse propensity scores, whatever the place; "
        f"self-normalised {figures['ips_snips']:.4f}), where those shown earned "
        f"{figures['logged_reward_per_answer']:.4f}; what is new in its lists came up {figures['ips_lots']:,.0f} times."
    )
    if (supported := figures["ips_supported_share"]) < SUPPORTED:
        said += f" Only {supported:.0%} of its places could have: the others count as earning nothing."
    size, lots = figures["ips_effective_sample_size"], figures["ips_lots"]
    few = [f"the effective sample size is {size:.0f} places, below {ENOUGH:.0f}"] if size < ENOUGH else []
    if lots < _LOTS:
        few.append(f"with fewer than {_LOTS} lots for what is new in its lists, the bounds may be too narrow")
    return f"{said} **Do not lean on this: {'; '.join(few)}.**" if few else said


def _slices(facts: Facts) -> str:
    table, rows = facts.report.slices, []
    for name in dict.fromkeys(table["slice"]):
        part = table[table["slice"] == name]
        model = part[part["contender"] == MODEL].iloc[0]
        best = part[part["contender"] != MODEL].sort_values("ndcg").iloc[-1]
        value = _bounded(model["ndcg"], model["low"], model["high"])
        other = f"{best['contender']} {best['ndcg']:.4f}"
        other = f"**{other}, surely better**" if best["low"] > model["high"] else other
        rows.append((name, MEANINGS[name], f"{int(model['users']):,}", value, other))
    return _table(("slice", "", "users", MODEL, "best of the others"), rows) if rows else ""


def _rules(facts: Facts) -> str:
    if not facts.decision.rules:
        return "None was asked: see the reason above."
    rows = [
        (_RULES[rule.name], _figure(rule.figure), rule.limit, "holds" if rule.passed else "**does not hold**")
        for rule in facts.decision.rules
    ]
    return _table(("rule", "figure", "asked", ""), rows)


def _lists(facts: Facts) -> str:
    figures, k = facts.report.figures, facts.k
    if not figures["users"]:
        return "There were none."
    about = {
        "of the catalogue in somebody's list": f"{figures[f'coverage_at_{k}']:.1%}",
        "of the places with the most popular items": f"{figures[f'popularity_share_at_{k}']:.1%}",
        "novelty, bits": f"{figures[f'novelty_at_{k}']:.2f}",
        "diversity within a list, 0 to 1": f"{figures[f'diversity_at_{k}']:.3f}",
        "candidates a user, of which the ranker chooses": f"{figures['pool_size']:.0f}",
        "of what users took among their candidates": f"{figures['pool_recall']:.1%}",
        "auc of the ranker among them": f"{figures['auc']:.3f}",
    }
    more = (
        "The DAG retrain adds `analyst.html`: Evidently's report, current is the model and reference what is popular."
    )
    return f"{_table(('', ''), about.items())}\n\n{more}"


def _undo(facts: Facts) -> str:
    before = f"version {facts.champion}" if facts.champion else "none"
    if not facts.decision.promote:
        own = facts.version or "VERSION"
        return (
            f"Nothing changes: the champion stays ({before}). Whoever knows better than the gate says why: "
            f"`nextpick promote {own} --because WHY`."
        )
    said = "Nothing is live before lists are made with it: `nextpick publish`, or the DAG precompute."
    if not facts.champion:
        return f"{said} It is the first champion: there is none to go back to."
    return (
        f"{said} The champion before was {before}: `nextpick promote {facts.champion} --because WHY` makes it that "
        "again. Once lists are live with this one, `nextpick rollback --because WHY` or the DAG rollback takes model "
        "and lists back at once, and keeps it from coming back by itself."
    )


def _parameters(facts: Facts) -> str:
    own = flat(_tree(facts.params))
    parts = []
    if facts.champion_params is not None:
        other = flat(_tree(facts.champion_params))
        changed = [name for name in dict.fromkeys((*own, *other)) if own.get(name) != other.get(name)]
        rows = [(f"`{name}`", other.get(name, ""), own.get(name, "")) for name in changed]
        parts.append(_table(("changed", "champion", "this one"), rows) if rows else "The champion's are the same.")
    parts.append(f"```yaml\n{yaml.safe_dump(_tree(facts.params), sort_keys=False).strip()}\n```")
    return "\n\n".join(parts)


def _tree(params: Params) -> dict[str, Any]:
    return params.model_dump(mode="json", exclude=BEFORE_AND_AFTER)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _over(figures: Mapping[str, float], name: str) -> str:
    if f"over_{name}" not in figures:
        return ""
    low, high = figures[f"over_{name}_low"], figures[f"over_{name}_high"]
    return f"{figures[f'over_{name}']:+.4f} [{low:+.4f}, {high:+.4f}]"


def _bounded(value: float, low: float, high: float) -> str:
    return f"{value:.4f} [{low:.4f}, {high:.4f}]"


def _images(plots: Sequence[str], *wanted: str) -> list[str]:
    return [f"![{_ALT[name]}]({name})" for name in wanted if name in plots]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)


def _day(us: int) -> str:
    return f"{datetime.fromtimestamp(us / 1e6, UTC):%Y-%m-%d %H:%M}"
