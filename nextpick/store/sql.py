"""Named queries from the .sql files of `queries/`: Python names a query and never holds its text."""

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType

QUERIES = Path(__file__).parent / "queries"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(family: str) -> MappingProxyType[str, str]:
    """The queries of `queries/<family>.sql` by name, without the line that says what each promises.

    Raises: ValueError where a name stands twice; FileNotFoundError where there is no such file.
    """
    _, *pieces = _NAME.split((QUERIES / f"{family}.sql").read_text())
    names, bodies = pieces[::2], pieces[1::2]
    if len(set(names)) < len(names):
        raise ValueError(f"queries/{family}.sql names a query twice: {sorted(n for n in names if names.count(n) > 1)}.")
    return MappingProxyType({name: _statement(body) for name, body in zip(names, bodies, strict=True)})


def _statement(body: str) -> str:
    lines = (line for line in body.splitlines() if not line.startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")
