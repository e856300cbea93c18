"""Fields of the form that the UI shows before a run by hand."""

from typing import Any

from airflow.sdk import Param


def optional(title: str, description: str, **rules: Any) -> Param:
    """A text that may stay empty; `rules` are JSON Schema's (format, pattern, minLength)."""
    return Param(None, type=["null", "string"], title=title, description=description, **rules)


def switch(title: str, description: str, default: bool) -> Param:
    """Yes or no."""
    return Param(default, type="boolean", title=title, description=description)


def whole(title: str, description: str, least: int, most: int) -> Param:
    """A whole number that may stay empty."""
    return Param(None, type=["null", "integer"], minimum=least, maximum=most, title=title, description=description)
