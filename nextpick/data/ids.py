"""Ids for events that bring none: made of what the event says, so that the same row is the same event again."""

from hashlib import sha256

import pandas as pd

from nextpick.schema import ITEM_ID, KIND, OCCURRED_AT, USER_ID, VALUE

DIGITS = 32  # hexadecimal: 128 bits, so that no two rows of any log share them by chance


def digests(events: pd.DataFrame) -> pd.Series:
    """A digest of each row's user, item, kind, time and value, the same whatever file the row comes from.

    Rows alike in all five have the same digest: the event's id adds which of them it is, counted from 0 in the order
    of the source. What a digest is made of must never change, or loading a file again would count it twice.
    """
    moments = events[OCCURRED_AT].astype("datetime64[us, UTC]").astype("int64")
    rows = zip(events[USER_ID], events[ITEM_ID], events[KIND], moments, events[VALUE], strict=True)
    texts = (
        f"{len(user)}:{user}{len(item)}:{item}{len(kind)}:{kind}{at} {'' if value != value else repr(float(value))}"
        for user, item, kind, at, value in rows
    )
    return pd.Series([sha256(text.encode()).hexdigest()[:DIGITS] for text in texts], index=events.index, dtype="str")
