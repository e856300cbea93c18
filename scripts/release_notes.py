"""Prints what CHANGELOG.md says of a version: `python scripts/release_notes.py v1.2.3`, which must be this one's."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, version: str, changelog: str) -> str:
    """The version's section without its heading. Raises: SystemExit, which says what does not agree."""
    if tag != f"v{version}":
        raise SystemExit(f"The tag is {tag}, and pyproject.toml says {version}. Tag v{version}, or change the version.")
    found = re.search(rf"^## {re.escape(version)}\b.*?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md has nothing under ## {version}. Say there what is new.")
    return found[1].strip()


def version() -> str:
    """Of pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


if __name__ == "__main__":
    print(notes(sys.argv[1], version(), (ROOT / "CHANGELOG.md").read_text()))
