"""Ids made of rows: the same row is the same event in every file, for ever."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.data.ids import digests


def events(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "kind", "occurred_at", "value"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True, format="ISO8601").astype(
        "datetime64[us, UTC]"
    )
    return frame


def test_a_digest_stays_what_it_is() -> None:
    frame = events(
        ("17850", "85123A", "purchase", "2010-12-01T08:26:00Z", 15.3),
        ("ü", "i", "k", "1999-01-01T00:00:00Z", float("nan")),
    )
    assert list(digests(frame)) == ["d9b3c8d708d47b8397e381002f165e49", "d4a219a4b8d82914b0feef16006a0193"]


def test_rows_alike_share_a_digest_and_others_do_not() -> None:
    row = ("u", "i", "k", "2020-01-01T00:00:00.000001Z", 1.0)
    others = [
        ("u2", *row[1:]),
        ("u", "i2", *row[2:]),
        ("u", "i", "k2", *row[3:]),
        (*row[:4], 1.1),
        (*row[:4], float("nan")),
    ]
    others.append((*row[:3], "2020-01-01T00:00:00Z", 1.0))
    found = list(digests(events(row, row, *others)))
    assert found[0] == found[1]
    assert len(set(found)) == 1 + len(others)


def test_the_unit_times_are_kept_in_makes_no_difference() -> None:
    frame = events(("u", "i", "k", "2020-01-01T00:00:00Z", 1.0))
    coarse = frame.assign(occurred_at=frame["occurred_at"].astype("datetime64[s, UTC]"))
    assert list(digests(frame)) == list(digests(coarse))


@settings(deadline=None)
@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_texts_cannot_run_into_each_other(left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
    frame = events((*left, "2020-01-01T00:00:00Z", 1.0), (*right, "2020-01-01T00:00:00Z", 1.0))
    first, second = digests(frame)
    assert (first == second) == (left == right)
