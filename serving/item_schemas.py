"""Items as they come in and go out."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from serving.schemas import Id, Moment, Sent, storable

MAX_ITEMS = 1000
MAX_ATTRIBUTES = 10_000  # bytes of JSON


def _small(attributes: dict[str, Any]) -> dict[str, Any]:
    try:
        written = orjson.dumps(attributes)
    except orjson.JSONEncodeError:
        raise ValueError("attributes are nested too deep; 200 levels are enough") from None
    if len(written) > MAX_ATTRIBUTES:
        raise ValueError(f"attributes take {len(written)} bytes as JSON, {MAX_ATTRIBUTES} at most")
    if b"\\u0000" in written:
        raise ValueError("NUL characters cannot be stored; remove them")
    return attributes


def _in_utc(moment: datetime) -> datetime:
    """Postgres knows no zone as far off as RFC 3339 has them, and Python no year beyond 1 to 9999."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


Published = Annotated[Moment, AfterValidator(_in_utc)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(storable)]
Price = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]  # strict: true is no number


class ItemIn(Sent):
    """What is known of an item. What is left out stays as it is; of a new item it is empty, and the title is its id."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"item_id": "85123A", "title": "White Hanging Heart", "price": 2.55}]}
    )

    item_id: Id
    title: Title = ""
    categories: list[Id] = Field([], max_length=50, description="coarse to fine")
    price: Price | None = Field(None, description="null: not known")
    published_at: Published | None = Field(None, description="RFC 3339 with a zone; null: not known")
    attributes: Annotated[dict[str, Any], AfterValidator(_small)] = Field({})
    hidden: Annotated[bool, Field(strict=True, description="true: never shown, from the next answer on")] = False


class ItemsIn(Sent):
    """Up to 1000 items, stored all or none; each id once."""

    items: Annotated[list[ItemIn], Field(min_length=1, max_length=MAX_ITEMS)]


def _shape(value: Any) -> str:
    return "~batch" if isinstance(value, ItemsIn) or (isinstance(value, dict) and "items" in value) else "~item"


ItemsBody = Annotated[Annotated[ItemIn, Tag("~item")] | Annotated[ItemsIn, Tag("~batch")], Discriminator(_shape)]


class ItemsOut(BaseModel):
    """What became of the items; they are durable by now."""

    added: int = Field(description="items that were not known")
    changed: int = Field(description="items of which something is different now")
    unchanged: int


class CatalogueItemOut(BaseModel):
    """An item as the catalogue has it now."""

    item_id: str
    title: str
    categories: list[str]
    price: float | None
    published_at: datetime | None
    attributes: dict[str, Any]
    hidden: bool
    updated_at: datetime
    in_release: bool = Field(description="whether the release that is served can recommend it")


class ListedItemOut(BaseModel):
    """One place of a list that is nobody's own."""

    item_id: str
    title: str
    rank: int = Field(description="1 is the best")
    score: float | None = Field(description="of similar items: 0 to 1, higher is nearer; null elsewhere")
    source: str = Field(description="similar; category: popular in the item's category; popular, trending or latest")


class ListedOut(BaseModel):
    """A list, and where it comes from."""

    release: int
    degraded: bool = Field(description="true where the database did not answer in time")
    items: list[ListedItemOut]
