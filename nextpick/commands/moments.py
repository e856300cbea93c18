"""Moments as the commands write them."""

from datetime import UTC, datetime


def at(moment: datetime) -> str:
    """To the minute, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def short(moment: datetime, now: datetime) -> str:
    """As narrow as a table wants it, UTC: `25 Nov 04:50` of the last half year, `25 Nov 2025` before, as of `ls -l`."""
    form = "%d %b %H:%M" if abs((now - moment).days) < 183 else "%d %b %Y"
    return moment.astimezone(UTC).strftime(form)
