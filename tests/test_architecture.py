"""The layout's rules: who may import whom, one module a vendor library, one noun a file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "nextpick": {"airflow", "fastapi", "starlette", "nextpick_airflow", "serving", "dags"},
    "serving": {"airflow", "nextpick_airflow", "dags", "mlflow", "evidently", "implicit", "numba", "lightgbm", "dvc"},
    "plugins": {"serving", "dags", "mlflow", "evidently", "implicit", "numba", "lightgbm"},
    "dags": {
        "serving",
        "fastapi",
        "pandas",
        "numpy",
        "psycopg",
        "mlflow",
        "evidently",
        "implicit",
        "numba",
        "lightgbm",
    },
}
SERVING_MAY_NOT = (
    "nextpick.stages",
    "nextpick.evaluation",
    "nextpick.drift",
    "nextpick.card",
    "nextpick.registry",
    "nextpick.tuning",
    "nextpick.local",
)
ONLY_IN = {
    "lightgbm": "nextpick/models/ranker.py",
    "implicit": "nextpick/models/implicit_engine.py",
    "numba": "nextpick/models/",  # its kernels, one a file
    "llvmlite": "nextpick/models/compiled/tile.py",
    "faiss": "nextpick/models/approximate.py",
    "mlflow": "nextpick/mlflow_engine.py",
    "evidently": "nextpick/evidently_engine.py",
    "slack_sdk": "nextpick/drift/slack.py",
    "matplotlib": "nextpick/card/plots.py",
    "optuna": "nextpick/tuning/study.py",
    "ruamel": "nextpick/tuning/review.py",
}
# Inside nextpick imports point to the left; a part may import those listed and itself.
FOUNDATION = {"errors", "schema", "params", "idmap", "settings"}
MAY_IMPORT = {
    "data": FOUNDATION - {"settings"},
    "features": FOUNDATION - {"settings"} | {"data"},
    "models": FOUNDATION - {"settings"} | {"data", "features"},
    "evaluation": FOUNDATION - {"settings"} | {"data", "features", "models"},
    "card": FOUNDATION - {"settings"} | {"data", "features", "models", "evaluation", "evidently_engine"},
    "tuning": FOUNDATION | {"data", "features", "models", "evaluation", "mlflow_engine"},
    "release": FOUNDATION | {"data", "features", "models", "store"},
    "drift": FOUNDATION | {"data", "features", "evidently_engine"},
    "evidently_engine": set(),
    "store": FOUNDATION | {"keys", "kpis"},
    "keys": {"errors"},
    "kpis": set(),
    "bundles": FOUNDATION | {"models"},
    "mlflow_engine": FOUNDATION,
    "registry": FOUNDATION | {"models", "bundles", "mlflow_engine"},
    "artifacts": FOUNDATION | {"mlflow_engine"},
    "pipeline": FOUNDATION | {"git", "program"},
    "keeping": FOUNDATION | {"store", "release", "registry", "mlflow_engine", "pipeline", "program"},
    "account": set(),
    "git": set(),
    "program": set(),
    **{name: FOUNDATION - {name} for name in FOUNDATION},
}
PURE = ("data", "features", "models", "evaluation", "card")
OUTSIDE_WORLD = {"os", "socket", "subprocess", "time", "httpx", "requests", "psycopg", "nextpick.settings"}
MAY_READ_FILES = {"nextpick/data/incoming.py"}  # a user's own files are its subject


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Every module a file imports, wherever in the file; relative imports are not allowed at all."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.relative_to(ROOT)}:{node.lineno} imports relatively; name the package"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def part_of(module: str) -> str | None:
    """The part of nextpick a dotted name belongs to: `nextpick.features.pair` -> features."""
    pieces = module.split(".")
    return pieces[1] if pieces[0] == "nextpick" and len(pieces) > 1 else None


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    files = sources(folder)
    assert files, f"{folder}/ is empty"
    bad = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in sorted(imports(file))
        if name.split(".")[0] in FORBIDDEN[folder] and not allowed_exception(file, name)
    ]
    assert bad == []


def allowed_exception(file: Path, module: str) -> bool:
    """nextpick itself keeps each vendor in one module, which is another test's subject."""
    return file.is_relative_to(ROOT / "nextpick") and module.split(".")[0] in ONLY_IN


def test_serving_knows_nothing_of_training() -> None:
    bad = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sources("serving")
        for name in sorted(imports(file))
        if name.startswith(SERVING_MAY_NOT)
    ]
    assert bad == []


def test_dags_call_stages_and_nothing_else_of_nextpick() -> None:
    bad = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sources("dags")
        for name in sorted(imports(file))
        if part_of(name) not in (None, "stages", "settings", "params")
    ]
    assert bad == []


@pytest.mark.parametrize("vendor", ONLY_IN)
def test_a_vendor_library_is_imported_in_one_module(vendor: str) -> None:
    users = {
        str(file.relative_to(ROOT))
        for folder in ("nextpick", "serving", "dags", "plugins")
        for file in sources(folder)
        for name in imports(file)
        if name.split(".")[0] == vendor
    }
    assert users
    assert [user for user in users if not user.startswith(ONLY_IN[vendor])] == []


def test_imports_inside_nextpick_point_one_way() -> None:
    bad = []
    for file in sources("nextpick"):
        part = file.relative_to(ROOT / "nextpick").with_suffix("").parts[0]
        if part not in MAY_IMPORT:  # stages, local, cli: the edges that tie the parts together
            continue
        for name in sorted(imports(file)):
            target = part_of(name)
            if target and target != part and target not in MAY_IMPORT[part] and target != "__version__":
                bad.append(f"{file.relative_to(ROOT)} imports {name}")
    assert bad == []


def test_the_pure_parts_touch_no_clock_network_or_environment() -> None:
    bad = [
        f"{file.relative_to(ROOT)} imports {name}"
        for part in PURE
        for file in sources(f"nextpick/{part}")
        if str(file.relative_to(ROOT)) not in MAY_READ_FILES
        for name in sorted(imports(file))
        if name in OUTSIDE_WORLD or name.split(".")[0] in OUTSIDE_WORLD
    ]
    clocks = ("datetime.now(", "Timestamp.now(", "Timestamp.utcnow(", "time.time(", "default_rng()")
    bad += [
        f"{file.relative_to(ROOT)} calls {call}"
        for part in PURE
        for file in sources(f"nextpick/{part}")
        for call in clocks
        if call in file.read_text()
    ]
    assert bad == []


def test_no_pickle_anywhere() -> None:
    bad = [
        f"{file.relative_to(ROOT)} imports {name}"
        for folder in ("nextpick", "serving", "dags", "plugins", "benchmarks")
        for file in sources(folder)
        for name in imports(file)
        if name.split(".")[0] in {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
    ]
    assert bad == []


def test_a_file_holds_one_noun() -> None:
    files = [f for folder in ("nextpick", "serving", "dags", "plugins", "benchmarks", "tests") for f in sources(folder)]
    long = [f"{f.relative_to(ROOT)} has {n} lines" for f in files if (n := len(f.read_text().splitlines())) > 300]
    odd = [
        str(f.relative_to(ROOT)) for f in files if f.stem in {"utils", "util", "helpers", "common", "misc", "manager"}
    ]
    assert long + odd == []


def test_a_function_fits_on_a_screen() -> None:
    long = []
    for folder in ("nextpick", "serving", "dags", "plugins", "benchmarks"):
        for file in sources(folder):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or node.lineno) - node.lineno + 1
                    if lines > 40:
                        long.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name} has {lines} lines")
    assert long == []


def test_a_dag_says_when_and_never_how() -> None:
    long = [f"{f.name} has {n} lines" for f in sources("dags") if (n := len(f.read_text().splitlines())) >= 60]
    assert long == []
