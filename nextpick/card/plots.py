"""The plots of a model card, as PNG. The only module that imports matplotlib: import it late."""

from collections.abc import Sequence
from io import BytesIO

import matplotlib.style as styles
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nextpick.card.facts import Facts
from nextpick.evaluation.report import MODEL
from nextpick.evaluation.slices import ALL

_MODEL, _CHAMPION, _OTHER, _INK = "#1d4ed8", "#c2410c", "#9ca3af", "#374151"
_WIDTH, _DPI = 7.0, 120  # inches, dots an inch
_SHOWN = 15  # features
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib's own: the same on every machine
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _OTHER,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def plots(facts: Facts) -> dict[str, bytes]:
    """File name -> PNG, in the order a card shows them; what there is nothing to plot of is left out."""
    with styles.context(["default", _STYLE]):  # whatever this machine's matplotlibrc says
        drawn = {
            "contenders.png": _contenders(facts),
            "slices.png": _slices(facts),
            "places.png": _places(facts),
            "importance.png": _importance(facts),
        }
        return {name: _png(figure) for name, figure in drawn.items() if figure is not None}


def overlaps(users: Sequence[int], k: int) -> bytes:
    """A PNG of users by how much of the first k items of their lists stayed: ten equal steps, and one for all."""
    with styles.context(["default", _STYLE]):
        figure, axes = _figure(8)
        axes.bar(range(11), users, color=[*[_OTHER] * 10, _MODEL], width=0.85)
        axes.grid(axis="x", visible=False)
        axes.set_xticks(range(11), [*(f"{10 * step}-{10 * step + 10}" for step in range(10)), "all"])
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel(f"% of the first {k} items that stayed")
        axes.set_ylabel("users")
        axes.set_title("How much of users' lists stayed")
        return _png(figure)


def _contenders(facts: Facts) -> Figure | None:
    k, table = facts.k, facts.report.slices
    rows = [(r.contender, r.ndcg, r.low, r.high) for r in table[table["slice"] == ALL].itertuples()]
    if not rows:
        return None
    own = f"champion_ndcg_at_{k}"
    if own in (known := facts.decision.figures):
        rows.append(("champion", known[own], known[f"{own}_low"], known[f"{own}_high"]))
    rows.sort(key=lambda row: row[1])
    figure, axes = _figure(len(rows))
    for at, (name, value, low, high) in enumerate(rows):
        _dot(axes, at, (value, low, high), _colour(name))
        axes.annotate(f"{value:.3f}", (high, at), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    _highlight(axes)
    axes.set_xlim(0, max(row[3] for row in rows) * 1.12 or 1)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"ndcg@{k} of the test window's users, with 95 % bounds")
    axes.set_title("Every contender on the same users")
    return figure


def _slices(facts: Facts) -> Figure | None:
    """In each slice the model, and the best of the others there."""
    table = facts.report.slices
    names = list(dict.fromkeys(table["slice"]))[::-1]
    if not names:
        return None
    figure, axes = _figure(len(names), row=0.42)
    for at, name in enumerate(names):
        part = table[table["slice"] == name]
        others = part[part["contender"] != MODEL].sort_values("ndcg")
        best, model = others.iloc[-1], part[part["contender"] == MODEL].iloc[0]
        for row, colour, up in ((model, _MODEL, 0.13), (best, _OTHER, -0.13)):
            _dot(axes, at + up, (row["ndcg"], row["low"], row["high"]), colour)
        axes.annotate(
            str(best["contender"]), (best["high"], at - 0.13), (6, 0), textcoords="offset points", va="center",
            fontsize=8, color="#6b7280",
        )  # fmt: skip
    users = {r.slice: int(r.users) for r in table.itertuples()}
    axes.set_yticks(range(len(names)), [f"{name} ({users[name]:,})" for name in names])
    axes.set_xlim(0, table["high"].max() * 1.2 or 1)
    axes.set_xlabel(f"ndcg@{facts.k}, with 95 % bounds")
    axes.set_title("By slice (users): the model in blue, the best of the others in grey")
    return figure


def _places(facts: Facts) -> Figure | None:
    """How much of what users took is among the first 1, 2, ... k places."""
    curves = facts.report.curves
    if facts.k == 1 or not len(curves) or not len(facts.report.per_user):
        return None
    figure, axes = _figure(9)
    ends = curves[curves["k"] == curves["k"].max()].sort_values("recall")
    labels = _apart(ends["recall"].to_numpy(), curves["recall"].max() * 0.055)
    for (_, end), label in zip(ends.iterrows(), labels, strict=True):
        name = str(end["contender"])
        own = curves[curves["contender"] == name]
        front = name == MODEL
        axes.plot(own["k"], own["recall"], color=_colour(name), lw=2.4 if front else 1.2, zorder=3 if front else 2)
        axes.annotate(
            name, (end["k"], end["recall"]), (end["k"] + 0.25, label), va="center", annotation_clip=False,
            color=_MODEL if front else "#6b7280", fontweight="bold" if front else "normal",
        )  # fmt: skip
    axes.set_xlim(1, facts.k)
    axes.set_xticks(range(1, facts.k + 1, max(facts.k // 10, 1)))
    axes.set_ylim(0, None)
    axes.set_xlabel("places shown")
    axes.set_ylabel("recall")
    axes.set_title("How much of what users took the first places hold")
    return figure


def _importance(facts: Facts) -> Figure | None:
    """The features with the most gain, and how far each moves a score."""
    gain, moves = (facts.importance.get(name, {}) for name in ("gain", "contribution"))
    names = sorted(gain, key=lambda name: gain[name])[-_SHOWN:]
    if not names:
        return None
    figure = Figure(figsize=(_WIDTH, 1.0 + 0.24 * max(len(names), 3)), layout="constrained")
    sides = figure.subplots(1, 2, sharey=True)
    told = ("share of the gain of all splits", "mean move of the score, either way")
    for axes, values, label in zip(sides, (gain, moves), told, strict=True):
        _quiet(axes)
        axes.barh(range(len(names)), [values.get(name, 0.0) for name in names], color=_MODEL, height=0.7)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.set_xlabel(label)
    sides[0].set_yticks(range(len(names)), names)
    sides[0].xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    sides[0].set_title(f"What the ranker looks at ({len(names)} of {len(gain)} features)")
    return figure


def _figure(rows: int, row: float = 0.32) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, 1.0 + row * max(rows, 3)), layout="constrained")
    axes = figure.subplots()
    _quiet(axes)
    return figure, axes


def _quiet(axes: Axes) -> None:
    axes.grid(axis="x", color="#e5e7eb", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def _dot(axes: Axes, at: float, bounded: tuple[float, float, float], colour: str) -> None:
    value, low, high = bounded
    axes.plot([low, high], [at, at], color=colour, lw=2, solid_capstyle="round")
    axes.plot([value], [at], "o", color=colour, ms=6)


def _highlight(axes: Axes) -> None:
    for label in axes.get_yticklabels():
        if label.get_text() in (MODEL, "champion"):
            label.set_color(_colour(label.get_text()))
            label.set_fontweight("bold")


def _colour(name: str) -> str:
    return {MODEL: _MODEL, "champion": _CHAMPION}.get(name, _OTHER)


def _apart(values: np.ndarray, least: float) -> np.ndarray:
    """Ascending values moved up so far that no two are nearer than `least`."""
    out = np.asarray(values, np.float64).copy()
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] + least)
    return out


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
