"""JSON of a bundle, read strictly: what Python's reader lets through, or gives up on in its own way, is refused."""

import json
from typing import Any, NoReturn

_DEEPEST = 32  # levels; a bundle's files have three


def loads(stored: bytes) -> Any:
    """What `stored` says. Raises: ValueError where it is no UTF-8, no JSON, nested deeply, or a key stands twice."""
    deepest = depth(stored)
    if deepest > _DEEPEST:
        raise ValueError(f"it is nested {deepest} levels deep, and {_DEEPEST} is the most")
    return json.loads(stored.decode(), object_pairs_hook=_once, parse_constant=_no_number)


def depth(stored: bytes) -> int:
    """How many brackets are open at most, those in strings left out; no recursion, whatever comes."""
    deepest = level = 0
    in_string = escaped = False
    for byte in stored if _may_be_deep(stored) else b"":
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def _may_be_deep(stored: bytes) -> bool:
    """A cheap look first: millions of ids are megabytes, and two brackets."""
    return stored.count(b"[") + stored.count(b"{") > _DEEPEST


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)[:40]!r} stands twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
