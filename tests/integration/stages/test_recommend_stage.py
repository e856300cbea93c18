"""`nextpick recommend` answers as the service does: what is hidden now is not shown, and what was just done counts."""

from datetime import UTC, datetime

import psycopg

from nextpick.settings import Settings
from nextpick.stages import recommend
from nextpick.store import events
from tests.published import Version, fill, interactions, publish


def ids(conn: psycopg.Connection, k: int) -> list[str]:
    loaded, found = recommend.run(conn, Settings(_env_file=None), "tea03", k)
    conn.commit()
    return [loaded.items.ids[row] for row in found.slots.item_rows.tolist()]


def test_hidden_items_are_left_out_and_new_events_count(conn: psycopg.Connection, version: Version) -> None:
    fill(conn)
    conn.commit()
    publish(conn, version)
    first, *rest = ids(conn, 6)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = %s", (first,))
    assert ids(conn, 5) == rest
    last = ids(conn, 100)[-1]
    bought = interactions()[:1].assign(user_id="tea03", item_id=last, occurred_at=datetime.now(UTC))
    for n in range(20):
        events.insert(conn, bought.assign(event_id=f"new {n}"))
    conn.commit()
    assert ids(conn, 100)[-1] != last
