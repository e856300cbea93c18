"""Write docs/configuration.md from the settings and from params.yaml: `python scripts/configuration.py`.

With --check nothing is written; it ends with 1 where the page is not what it should be.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"
HEAD = """# Configuration

Written by `python scripts/configuration.py`; a test fails where it lags.

Two places, so that a result never depends on a machine: **the environment** says where things are and who may enter,
**params.yaml** what changes a result. `nextpick status` and the run in MLflow say what a model was made with.

## The environment

Variables, or lines of `.env` beside the README; the environment goes before `.env`, and `.env` before what `make run`
wrote to `.nextpick/local.env`. An empty one is as if it were not there. [.env.example](../.env.example) has those that
one machine may want.

| variable | as shipped | |
|---|---|---|
"""
BETWEEN = """
## params.yaml

A misspelt, missing or impossible key is an error that names it. What a model was trained with goes with it in its
bundle; the sections `load`, `drift`, `promotion`, `publish` and `retention` change no model.

| key | as shipped | |
|---|---|---|
"""
_LINE = re.compile(r"(?P<indent> *)(?P<key>[a-z_0-9]+):(?P<value>[^#]*)(#\s*(?P<said>.*))?")


def settings() -> list[tuple[str, str, str]]:
    """Name, default and meaning of each variable, as nextpick/settings.py has them."""
    tree = ast.parse((ROOT / "nextpick" / "settings.py").read_text())
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings").body
    found = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        said = " ".join(str(after.value.value).split()) if told else ""  # type: ignore[union-attr]
        default = ast.unparse(node.value) if node.value else ""
        shown = {"None": "", "True": "true", "False": "false", "PROJECT": "the clone"}.get(default, default.strip("'"))
        shown = ".nextpick in the clone" if default == "PROJECT / '.nextpick'" else shown
        found.append((f"NEXTPICK_{node.target.id.upper()}", shown, said))
    return found


def parameters() -> list[tuple[str, str, str]]:
    """Key, value and comment of each line of params.yaml; a section's own comment stands at its name."""
    path: list[str] = []
    found = []
    for line in (ROOT / "params.yaml").read_text().splitlines():
        if not (match := _LINE.fullmatch(line)):
            continue
        path[len(match["indent"]) // 2 :] = [match["key"]]
        value, said = match["value"].strip(), match["said"] or ""
        if value or said:
            found.append((".".join(path), value, said))
    return found


def page() -> str:
    """The whole page."""
    rows = ["\n".join(f"| `{name}` | {_code(value)} | {_cell(said)} |" for name, value, said in part) for part in (
        settings(), parameters())]  # fmt: skip
    return f"{HEAD}{rows[0]}\n{BETWEEN}{rows[1]}\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit(f"{PAGE.relative_to(ROOT)} lags. Write it anew: python scripts/configuration.py")
