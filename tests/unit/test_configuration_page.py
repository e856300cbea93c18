"""docs/configuration.md is what the code says."""

import subprocess
import sys
from pathlib import Path

import yaml

from nextpick.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text()


def leaves(some: dict[str, object], above: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in some.items():
        found |= leaves(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}"}
    return found


def test_the_page_does_not_lag() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/configuration.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_and_every_parameter_is_on_it() -> None:
    names = {f"NEXTPICK_{name.upper()}" for name in Settings.model_fields}
    keys = leaves(yaml.safe_load((ROOT / "params.yaml").read_text())) - {"ease"}  # a section with nothing to say
    assert {name for name in names | keys if f"`{name}`" not in PAGE} == set()


def test_every_setting_says_what_it_is() -> None:
    untold = [
        line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `NEXTPICK_") and line.endswith("|  |")
    ]
    assert untold == []
