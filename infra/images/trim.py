"""Takes out of the API image's packages what it never loads: `python trim.py SITE_PACKAGES`; a step of its build.

Half of what the wheels bring are tests, headers, symbols and parts for other uses. tests/shipping runs the API on what
is left.
"""

import shutil
import subprocess
import sys
from pathlib import Path

NEVER = (
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/libarrow_flight.so*",  # a network protocol
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_flight*",
    "pyarrow/libarrow_python*.so",  # by these names compilers find them; what runs asks for .so.<number>
    "pyarrow/libarrow_python*.so.*.*.*",
    "numba/cuda",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/random/lib",
    "sqlalchemy/orm",
    "sqlalchemy/testing",
    "scipy.libs",  # an OpenBLAS, for its linalg
)
OF_SCIPY = {"__pycache__", "_external", "_lib", "sparse"}
LEXERS = {"__init__.py", "_mapping.py", "python.py", "special.py"}
NAMES = {"tests", "test"}  # folders
SUFFIXES = {".pyi", ".pxd", ".pyx", ".h", ".hpp", ".c", ".cc"}  # for type checkers and compilers


def main(site: Path) -> None:
    """Remove and strip."""
    for path in _never(site):
        _remove(path)
    for path in [path for path in site.rglob("*.so*") if path.is_file() and not path.is_symlink()]:
        if not path.parent.name.endswith(".libs"):  # those were moved about in by auditwheel, and strip breaks such
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)


def _never(site: Path) -> list[Path]:
    """What goes; a folder before what is in it."""
    named = [path for pattern in NEVER for path in site.glob(pattern)]
    scipy = [path for path in (site / "scipy").iterdir() if path.is_dir() and path.name not in OF_SCIPY]
    lexers = [path for path in (site / "pygments" / "lexers").glob("*.py") if path.name not in LEXERS]
    rest = [path for path in site.rglob("*") if path.suffix in SUFFIXES or (path.name in NAMES and path.is_dir())]
    return [*named, *scipy, *lexers, *rest]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)  # gone with its folder


if __name__ == "__main__":
    main(Path(sys.argv[1]))
