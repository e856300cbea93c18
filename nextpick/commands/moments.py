"""Moments as the commands write them."""

from datetime import UTC, datetime


def at(moment: datetime) -> str:
    """To the minute, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
