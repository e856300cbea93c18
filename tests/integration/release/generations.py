"""Releases made by hand, with the lists and items a test wants, and nothing else."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from nextpick.features.items import ITEM_FEATURES

NIGHT = datetime(2025, 11, 12, tzinfo=UTC)
ITEMS = tuple(f"i{n}" for n in range(30))


def made(
    conn: psycopg.Connection,
    lists: Mapping[str, Sequence[str]],
    *,
    items: Sequence[str] = ITEMS,
    bundle: tuple[str, str, str] = ("1", "/nowhere", "0" * 64),
    night: int = 0,
    status: str = "ready",
    run: str = "",
) -> int:
    """A release of the lists, item ids by user: its lists are as of a night, counted from 0; returns its id.

    `bundle` is (version, folder, sha256), and `run` its MLflow run. Items are the more popular the earlier they come.
    """
    lineage = json.dumps({"mlflow_run_id": run} if run else {})
    row = conn.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, lineage, run_id) "
        "VALUES (%s, %s, %s, %s, %s, 'precompute.r1') RETURNING release_id",
        (*bundle, NIGHT + timedelta(days=night), lineage),
    ).fetchone()
    assert row is not None
    release_id = int(row[0])
    for parent in ("lists", "release_items"):
        conn.execute(
            f"CREATE TABLE nextpick.{parent}_{release_id} PARTITION OF nextpick.{parent} FOR VALUES IN ({release_id})"
        )
    rows = {item_id: row for row, item_id in enumerate(items)}
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO nextpick.release_items (release_id, item_row, item_id, title, categories, features) "
            "VALUES (%s, %s, %s, %s, '{}', %s)",
            [(release_id, n, i, f"The {i}", [float(100 - n)] * len(ITEM_FEATURES)) for i, n in rows.items()],
        )
        cursor.executemany(
            "INSERT INTO nextpick.lists VALUES (%s, %s, %s, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
            [(release_id, user, [rows[item] for item in listed]) for user, listed in lists.items()],
        )
        cursor.executemany(
            "INSERT INTO nextpick.items (item_id, title) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [(item_id, f"The {item_id}") for item_id in items],
        )
    conn.execute(
        "UPDATE nextpick.releases SET status = %s, users = %s, items = %s WHERE release_id = %s",
        (status, len(lists), len(items), release_id),
    )
    return release_id


def same(users: int = 20, first: int = 0, length: int = 12) -> dict[str, list[str]]:
    """The lists of so many users, who all have `length` items from number `first` on, each beginning elsewhere."""
    return {f"u{n:02}": [ITEMS[(first + n + place) % len(ITEMS)] for place in range(length)] for n in range(users)}
