"""What comes in and goes out, as types: the OpenAPI document is made of these."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from nextpick.schema import MAX_ID_LENGTH, MAX_KIND_LENGTH

MAX_EVENTS = 1000
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("NUL characters cannot be stored; remove them")
    return text


def _written_out(value: Any) -> Any:
    """Refuse numbers, which would be guessed to be seconds or milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE_TIME.match(value)):
        return value
    raise ValueError("must be an RFC 3339 time with its zone, such as 2026-11-12T09:30:00Z")


Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(storable)]
Kind = Annotated[str, StringConstraints(min_length=1, max_length=MAX_KIND_LENGTH), AfterValidator(storable)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]  # strict: true is no number
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class Sent(BaseModel):
    """What clients send: no field that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventIn(Sent):
    """A user did `kind` to an item."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "17850", "item_id": "85123A", "kind": "purchase", "value": 2.55}]}
    )

    user_id: Id
    item_id: Id
    kind: Kind
    event_id: Id | None = Field(None, description="makes a retry safe: an id sent before changes nothing")
    occurred_at: Moment | None = Field(None, description="RFC 3339 with a zone; the time of arrival when left out")
    value: Number | None = Field(None, description="money, a rating, ...")
    recommendation_id: UUID | None = Field(None, description="of the answer that led here")


class EventsIn(Sent):
    """Up to 1000 events, stored all or none."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_EVENTS)]


def _shape(value: Any) -> str:
    return "~batch" if isinstance(value, EventsIn) or (isinstance(value, dict) and "events" in value) else "~event"


EventsBody = Annotated[Annotated[EventIn, Tag("~event")] | Annotated[EventsIn, Tag("~batch")], Discriminator(_shape)]


class EventsOut(BaseModel):
    """What became of the events; they are durable by now."""

    accepted: int = Field(description="events that were new")
    duplicates: int = Field(description="events whose id was known")


class UserOut(BaseModel):
    """What is known of a user."""

    user_id: str
    events: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    kinds: dict[str, int] = Field(description="how many events of each kind")
    release: int | None = Field(description="the release that is served")
    listed: int | None = Field(description="how many items the user's list in it has; null where there is none")


class ErasedOut(BaseModel):
    """The receipt of an erasure."""

    user_id: str
    erased_at: datetime
    deleted: dict[str, int] = Field(description="rows that went at once, by what they were")
    copies_until: datetime = Field(description="by when what was made before goes too: snapshots, bundles, runs")
    receipt: list[str] = Field(description="the same in sentences, to hand on")


class ReleaseOut(BaseModel):
    """The release that is served."""

    release: int
    model_version: str
    variant: str
    cutoff: datetime = Field(description="the lists know what happened before; answers know what came since as well")
    items: int
    generators: list[str]
    seen_policy: str = Field(description="allow or exclude: whether what a user took may come again")


class HealthOut(BaseModel):
    """Whether the service can do its work."""

    status: str
    release: int | None = None
    database: str | None = None
    reasons: list[str] = []


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None
