"""The sample's events as the orders they came in."""

import pandas as pd

from nextpick.data.orders import orders


def events(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["event_id", "user_id", "kind", "occurred_at"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True).astype("datetime64[us, UTC]")
    return frame.assign(item_id=frame["event_id"].str.split("-").str[1], value=1.0)


def test_an_invoice_is_one_order_even_where_its_lines_are_minutes_apart() -> None:
    found = orders(
        events(
            ("C2-b-0", "u2", "return", "2011-12-02T10:00:00Z"),
            ("1-a-0", "u1", "purchase", "2011-12-02T09:00:00Z"),
            ("3-a-0", "u1", "purchase", "2011-12-02T09:01:00Z"),
            ("1-a-1", "u1", "purchase", "2011-12-02T09:02:00Z"),
        )
    )
    assert [(order.number, order.user_id, order.kind, len(order.lines)) for order in found] == [
        ("1", "u1", "purchase", 2),
        ("3", "u1", "purchase", 1),
        ("C2", "u2", "return", 1),
    ]
    assert [line.event_id for line in found[0].lines] == ["1-a-0", "1-a-1"]
    assert found[0].at == pd.Timestamp("2011-12-02T09:00:00Z")


def test_no_events_are_no_orders() -> None:
    assert orders(events(("1-a-0", "u", "purchase", "2011-12-02T09:00:00Z")).head(0)) == ()
