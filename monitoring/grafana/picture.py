"""Draws a dashboard without Grafana, by the same queries:

    python monitoring/grafana/picture.py nextpick-service docs/pictures/monitoring-service.png --minutes 30

asks http://127.0.0.1:9090, or --prometheus. Figures are numbers, tables and bars are the newest values, the rest lines.
"""

import argparse
import json
from pathlib import Path
from time import time
from typing import Any

import httpx
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

HERE = Path(__file__).parent
STEPS = 240  # points of a line, at most
MOST = 6  # lines that are named
COLOURS = {"green": "#1f7a3a", "orange": "#c77700", "red": "#b3261e"}
Series = list[tuple[str, list[float], list[float]]]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("dashboard", help="its uid, which names its file")
    words.add_argument("picture", type=Path)
    words.add_argument("--prometheus", default="http://127.0.0.1:9090")
    words.add_argument("--minutes", type=float, default=60)
    asked = words.parse_args()
    board = json.loads((HERE / "dashboards" / f"{asked.dashboard}.json").read_text())
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    figure = plt.figure(figsize=(15, 0.36 * rows + 0.5), layout="none", facecolor="white")
    figure.suptitle(board["title"], x=0.02, y=1 - 0.12 / (0.36 * rows + 0.5), ha="left", fontsize=13, weight="bold")
    top = 1 - 0.45 / (0.36 * rows + 0.5)
    for panel in board["panels"]:
        x, y, w, h = (panel["gridPos"][of] for of in "xywh")
        place = (0.045 + x / 24 * 0.96, top * (1 - (y + h - 1.3) / rows), w / 24 * 0.96 - 0.05, top * (h - 2.4) / rows)
        axes = figure.add_axes(place)
        axes.set_title(panel["title"], loc="left", fontsize=9)
        _draw(axes, panel, _read(asked.prometheus, panel, asked.minutes * 60))
    figure.savefig(asked.picture, dpi=80)


def _read(prometheus: str, panel: dict[str, Any], seconds: float) -> Series:
    """Every series of a panel: its name, when and what."""
    end, found = time(), []
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", "60s").replace("$variant", ".*").replace("$release", ".*")
        asked = {"query": query, "start": end - seconds, "end": end, "step": max(1, seconds / STEPS)}
        answer = httpx.get(f"{prometheus}/api/v1/query_range", params=asked, timeout=30).raise_for_status().json()
        for one in answer["data"]["result"]:
            name = target["legendFormat"]
            for label, value in one["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            name = name or " ".join(value for label, value in one["metric"].items() if label != "__name__")
            at, what = zip(*one["values"], strict=True)
            found.append((name, [(float(moment) - end) / 60 for moment in at], [float(number) for number in what]))
    return found


def _draw(axes: Axes, panel: dict[str, Any], series: Series) -> None:
    unit, kind = panel["fieldConfig"]["defaults"]["unit"], panel["type"]
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    if not series:
        axes.text(0.5, 0.5, "no data", ha="center", transform=axes.transAxes, color="grey")
    if kind == "stat":
        axes.axis("off")
        for _, _, what in series[:1]:
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            colour = [step["color"] for step in steps if step["value"] is None or what[-1] >= step["value"]][-1]
            axes.text(0, 0.25, _said(what[-1], unit), fontsize=16, color=COLOURS[colour])
    elif kind == "table":
        axes.axis("off")
        for i, (name, _, what) in enumerate(series[:8]):
            axes.text(0, 0.9 - i * 0.12, f"{name}   {_said(what[-1], unit)}", fontsize=8)
    elif kind == "bargauge":
        series = series[::-1]
        axes.barh([name for name, _, _ in series], [what[-1] for _, _, what in series], color="#b9d2ea")
        for i, (name, _, what) in enumerate(series):
            axes.text(0, i, f" {name}   {_said(what[-1], unit)}", va="center", fontsize=8)
        axes.axis("off")
    else:
        for i, (name, at, what) in enumerate(series):
            axes.plot(at, what, linewidth=1.2, label=name if i < MOST else None)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: _said(number, unit)))
        axes.set_xlabel("minutes", fontsize=7, labelpad=0)
        if series:
            axes.legend(fontsize=7, ncols=2, frameon=False, loc="best")


def _said(number: float, unit: str) -> str:
    """A number as Grafana would say it."""
    if unit == "percentunit":
        return f"{number * 100:.3g} %"
    if unit == "reqps":
        return f"{number:.3g}/s"
    scales = {
        "s": ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (0, "µs")),
        "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0, "B")),
    }
    for least, name in scales.get(unit, ()):
        if abs(number) >= least:
            return f"{number / (least or (1e-6 if unit == 's' else 1)):.3g} {name}" if number else "0"
    return f"{number:.4g}"


if __name__ == "__main__":
    main()
