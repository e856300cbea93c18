"""Dashboards are what is committed, what Grafana knows, and what a person who sees them for the first time can read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "monitoring" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
UIDS = {"nextpick-service", "nextpick-recommendations", "nextpick-pipeline", "nextpick-drift"}
UNITS = {"short", "none", "s", "bytes", "reqps", "percentunit"}  # Grafana's names


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_the_files_are_what_their_source_makes(tmp_path: Path) -> None:
    assert {file.stem for file in FILES} == UIDS
    code = (
        f"import sys; sys.path.insert(0, {str(GRAFANA)!r}); import build, json; "
        "print(json.dumps({one.uid: build.written(one) for one in build.DASHBOARDS}))"
    )
    made = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert made == {file.stem: file.read_text() for file in FILES}, "run python monitoring/grafana/build.py"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_says_what_it_shows_in_units_and_places_nothing_over_another(file: Path) -> None:
    board, taken = read(file), set()
    assert (board["uid"], board["description"][-1] in ".?") == (file.stem, True)
    for panel in board["panels"]:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))
        assert all(target["datasource"] == board["panels"][0]["datasource"] for target in panel["targets"])
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_data_source_and_the_folder_are_those_the_dashboards_name() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "nextpick.yml").read_text())["datasources"]
    for file in FILES:
        assert read(file)["panels"][0]["datasource"] == {"type": source["type"], "uid": source["uid"]}
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "nextpick.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_kpis_are_chosen_by_variant_and_release() -> None:
    board = read(GRAFANA / "dashboards" / "nextpick-recommendations.json")
    assert [one["name"] for one in board["templating"]["list"]] == ["variant", "release"]
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"] if "_kpi_" in target["expr"]]
    assert asked
    assert all('variant=~"$variant"' in expr and 'release=~"$release"' in expr for expr in asked)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafanas_own_model_takes_all_of_it(file: Path) -> None:
    sdk = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason="uv pip install grafana-foundation-sdk")
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    plugins.register_default_plugins()
    back = json.loads(JSONEncoder(sort_keys=True, indent=1).encode(sdk.Dashboard.from_json(read(file))))
    assert _lost(read(file), back) == []


def _lost(given: Any, back: Any, place: str = "") -> list[str]:
    """What the model did not know."""
    if isinstance(given, dict):
        known = back if isinstance(back, dict) else {}
        return [
            fault
            for key, value in given.items()
            for fault in ([f"{place}/{key}"] if key not in known else _lost(value, known[key], f"{place}/{key}"))
        ]
    if isinstance(given, list):
        if not isinstance(back, list) or len(back) != len(given):
            return [place]
        return [fault for i, pair in enumerate(zip(given, back, strict=True)) for fault in _lost(*pair, f"{place}/{i}")]
    return [] if given == back else [place]
