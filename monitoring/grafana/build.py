"""Writes the dashboards: `python monitoring/grafana/build.py` makes dashboards/*.json of what stands beside this.

A panel there is a title, what it says, a unit and its queries; what Grafana wants besides is here, once.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nights import DRIFT, PIPELINE
from panels import Dashboard, Panel
from recommendations import RECOMMENDATIONS
from service import SERVICE

DASHBOARDS = (SERVICE, RECOMMENDATIONS, PIPELINE, DRIFT)
SOURCE = {"type": "prometheus", "uid": "nextpick-prometheus"}
WIDTH, HEIGHT = 12, 8  # of a panel; a dashboard is 24 wide
FIGURE = 4  # the height, and an eighth of it the width, of one that is a number


def dashboard(made: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana stores it."""
    return {
        "uid": made.uid,
        "title": made.title,
        "description": made.description,
        "tags": ["nextpick"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": made.since, "to": "now"},
        "timezone": "utc",
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "annotations": {"list": []},
        "templating": {"list": [_variable(name, query) for name, query in made.variables.items()]},
        "links": [
            {
                "title": "NextPick",
                "type": "dashboards",
                "tags": ["nextpick"],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
                "icon": "external link",
                "targetBlank": False,
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": list(_placed(made.panels)),
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    """A choice among a label's values; all, at first."""
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,
        "sort": 4 if name == "release" else 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "hide": 0,
        "skipUrlSync": False,
        "options": [],
    }


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Panels in their order: figures eight to a row, others two."""
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        width, height = (FIGURE, FIGURE) if panel.kind == "stat" else (panel.width or WIDTH, HEIGHT)
        if x + width > 24 or (row and height != row):
            x, y = 0, y + row
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": width, "h": height}))
        x, row = x + width, height
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "transparent": False,
        "targets": [_target(chr(ord("A") + i), query, name, panel) for i, (name, query) in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(ref: str, query: str, name: str, panel: Panel) -> dict[str, Any]:
    now = panel.kind in ("table", "bargauge")
    return {
        "refId": ref,
        "datasource": SOURCE,
        "expr": query,
        "legendFormat": name,
        "editorMode": "code",
        "instant": now,
        "range": not now,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [{"color": colour, "value": at} for at, colour in panel.steps]
    found: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}, "mappings": []}
    if panel.kind == "timeseries":
        found["custom"] = {"lineWidth": 1, "fillOpacity": 10 if panel.stacked else 0, "showPoints": "never"}
        found["custom"]["stacking"] = {"mode": "normal" if panel.stacked else "none", "group": "A"}
    found["color"] = {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"}
    if panel.least is not None:
        found["min"] = panel.least
    return found


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "timeseries":
        legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "stat":
        return {"reduceOptions": last, "colorMode": "value", "graphMode": "none", "textMode": "auto"}
    if panel.kind == "bargauge":
        return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic"}
    return {"showHeader": True}


def written(made: Dashboard) -> str:
    """The file."""
    return json.dumps(dashboard(made), indent=2) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (Path(__file__).parent / "dashboards" / f"{each.uid}.json").write_text(written(each))
