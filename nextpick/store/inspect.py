"""What is known of one user, one item, one release, for a person who looks it up. Only reads, never much at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from nextpick.store import sql
from nextpick.store.release_log import Entry
from nextpick.store.standings import MOST_ID

LISTED = 200  # places of a list that are read
_SQL = sql.load("inspect")
_CATALOGUE = sql.load("catalogue")


@dataclass(frozen=True)
class Named:
    """Of what a text is the id."""

    a_user: bool
    an_item: bool
    a_release: bool


@dataclass(frozen=True)
class Event:
    """One thing a user did; `recommendation_id` is the answer that led there, where the client said so."""

    occurred_at: datetime
    kind: str
    item_id: str
    title: str
    hidden: bool
    value: float | None
    recommendation_id: UUID | None


@dataclass(frozen=True)
class Place:
    """An item at a place, from 1, of a list or among the nearest of an item; `hidden`: in no answer now."""

    place: int
    item_id: str
    title: str
    score: float
    hidden: bool


@dataclass(frozen=True)
class Answered:
    """An answer as it was given; `taken` is what its user did within a day to what it showed: {item: kinds}."""

    recommendation_id: UUID
    answered_at: datetime
    release_id: int
    variant: str
    scenario: str
    item_ids: list[str]
    sources: list[str]
    narrowed: bool
    taken: dict[str, str]


@dataclass(frozen=True)
class Item:
    """An item as the catalogue has it now."""

    item_id: str
    title: str
    categories: list[str]
    price: float | None
    published_at: datetime | None
    attributes: dict[str, Any]
    hidden: bool
    updated_at: datetime


@dataclass(frozen=True)
class ReleaseItem:
    """An item as a release has it; `features` as of the release's cutoff, named by the release."""

    item_row: int
    title: str
    categories: list[str]
    price: float | None
    features: list[float]


@dataclass(frozen=True)
class Made:
    """What there is to a release besides its standing; `diff` as the comparison was kept, None where there was none."""

    items: int | None
    ready_at: datetime | None
    lineage: Mapping[str, Any]
    diff: Mapping[str, Any] | None
    variants: list[str]


def release_number(text: str) -> int | None:
    """The release that a text could be the id of."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST_ID else None


def named(conn: psycopg.Connection, text: str) -> Named:
    """Of what `text` is the id."""
    values = {"id": text, "release_id": release_number(text)}
    found = conn.cursor(row_factory=class_row(Named)).execute(_SQL["named"], values).fetchone()
    return found or Named(False, False, False)


def erased_at(conn: psycopg.Connection, user_id: str) -> datetime | None:
    """When a user was erased last, or None."""
    row = conn.execute(_SQL["erased"], {"user_id": user_id}).fetchone()
    return row[0] if row else None


def history(conn: psycopg.Connection, user_id: str, most: int) -> list[Event]:
    """A user's newest events, newest first; nothing from before an erasure."""
    values = {"user_id": user_id, "most": most}
    return conn.cursor(row_factory=class_row(Event)).execute(_SQL["history"], values).fetchall()


def listed(conn: psycopg.Connection, release_id: int, user_id: str) -> list[Place]:
    """The first LISTED places of a user's list in a release; empty where there is none."""
    values = {"release_id": release_id, "user_id": user_id, "most": LISTED}
    return conn.cursor(row_factory=class_row(Place)).execute(_SQL["listed"], values).fetchall()


def answers(conn: psycopg.Connection, user_id: str, most: int) -> list[Answered]:
    """A user's last answers, newest first; nothing from before an erasure."""
    values = {"user_id": user_id, "most": most}
    return conn.cursor(row_factory=class_row(Answered)).execute(_SQL["answers"], values).fetchall()


def item(conn: psycopg.Connection, item_id: str) -> Item | None:
    """An item as the catalogue has it, or None."""
    return conn.cursor(row_factory=class_row(Item)).execute(_CATALOGUE["get"], {"item_id": item_id}).fetchone()


def in_release(conn: psycopg.Connection, release_id: int, item_id: str) -> ReleaseItem | None:
    """An item as a release has it, or None; reads all of the release's items."""
    values = {"release_id": release_id, "item_id": item_id}
    return conn.cursor(row_factory=class_row(ReleaseItem)).execute(_SQL["in_release"], values).fetchone()


def similar(conn: psycopg.Connection, release_id: int, item_row: int, most: int) -> list[Place]:
    """The nearest of an item in a release, nearest first."""
    values = {"release_id": release_id, "item_row": item_row, "most": most}
    return conn.cursor(row_factory=class_row(Place)).execute(_SQL["similar"], values).fetchall()


def release(conn: psycopg.Connection, release_id: int) -> Made | None:
    """What there is to a release, or None; users who were erased are named nowhere in it."""
    return conn.cursor(row_factory=class_row(Made)).execute(_SQL["release"], {"release_id": release_id}).fetchone()


def log(conn: psycopg.Connection, release_id: int, most: int) -> list[Entry]:
    """What was lately done with a release, newest first."""
    values = {"release_id": release_id, "most": most}
    return conn.cursor(row_factory=class_row(Entry)).execute(_SQL["log"], values).fetchall()
