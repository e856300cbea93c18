"""What /recommend and /rank take and give."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from serving.cursor import LONGEST
from serving.item_schemas import Price
from serving.schemas import Id, Sent

MAX_RANKED = 500
MAX_EXCLUDED = 1000
MAX_RECENT = 100
RECENT = "items just looked at or taken, the latest last; they are not stored"


def _distinct(ids: list[str]) -> list[str]:
    seen: set[str] = set()
    for item_id in ids:
        if item_id in seen:
            raise ValueError(f"{item_id[:80]!r} is in it twice; send each id once")
        seen.add(item_id)
    return ids


Names = Annotated[list[Id], Field(max_length=50)]


class CategoriesIn(Sent):
    """Which categories: each list may be left out. One that no item has is no error."""

    any: Names = Field([], description="in at least one of these")
    all: Names = Field([], description="in each of these")
    none: Names = Field([], description="in none of these")


class PriceIn(Sent):
    """From `min` to `max`, both included; an item without a price is in no range."""

    min: Price | None = None
    max: Price | None = None

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing costs that")
        return self


class RecommendIn(Sent):
    """For whom, how many, and of what. Without a user_id it is for the anonymous session of recent_item_ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_id": "17850", "top_k": 5},
                {"recent_item_ids": ["22423", "85123A"], "top_k": 5, "diversity": 0.3},
                {
                    "user_id": "17850",
                    "top_k": 5,
                    "price": {"max": 5},
                    "exclude_item_ids": ["85123A"],
                    "explain": True,
                },
            ]
        }
    )

    user_id: Id | None = None
    top_k: Annotated[int, Field(strict=True, ge=1, le=100)] | None = Field(
        None, description="how many items; the scenario's number where left out"
    )
    scenario: Id = Field("default", description="a placement named in params.yaml")
    categories: CategoriesIn | None = None
    price: PriceIn | None = None
    exclude_item_ids: list[Id] = Field([], max_length=MAX_EXCLUDED, description="not these, such as those on the page")
    recent_item_ids: list[Id] = Field([], max_length=MAX_RECENT, description=RECENT)
    diversity: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="0: the best; towards 1: ever less like each other. The scenario's if left out"
    )
    explain: Annotated[bool, Field(strict=True, description="say of each item what spoke for it")] = False
    cursor: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = Field(
        None, description="of the page before, with the same request else"
    )


class MovedOut(BaseModel):
    """What a feature did for the score."""

    feature: str
    value: float | None = Field(description="null: not known")
    moved: float = Field(description="how far it moved the score, up or down")
    text: str


class ProposedOut(BaseModel):
    """A candidate generator that proposed the item, and at which rank; 1 is its best."""

    generator: str
    rank: int


class LikeOut(BaseModel):
    """The user's own item that this one is most like."""

    item_id: str
    title: str
    cosine: float


class ExplanationOut(BaseModel):
    """Why the item is where it is."""

    proposed_by: list[ProposedOut]
    moved: list[MovedOut] = Field(description="the features that moved the score most; empty where no ranker ran")
    like: LikeOut | None
    text: str


Source = Literal["reranked", "candidates", "fold_in", "popular", "filled"]


class ItemOut(BaseModel):
    """One slot of an answer."""

    item_id: str
    title: str
    score: float | None = Field(description="the ranker's: of now, or of the night for candidates; null without any")
    rank: int = Field(description="1 is the best; a page goes on counting from the one before")
    source: Source = Field(
        description="who filled the slot. reranked: the user's list, scored again now. candidates: the list in its own "
        "order. fold_in: chosen now by the user's history. popular: where nothing "
        "better is known. filled: popular, to "
        "complete the answer"
    )
    reason: str = Field(description="why, in one sentence")
    explanation: ExplanationOut | None = Field(None, description="where the request says explain")


class Answered(BaseModel):
    """Where an answer comes from."""

    recommendation_id: UUID = Field(description="send it back with the events this answer leads to")
    user_id: str | None
    scenario: str
    release: int
    model_version: str
    degraded: bool = Field(
        description="true where something is missing: the database or the ranker failed or took too long, or too much "
        "was asked at once"
    )


class RecommendOut(Answered):
    """The ranked list, and where it comes from. Shorter than top_k only where no more such items exist."""

    items: list[ItemOut]
    cursor: str | None = Field(description="asks for the next page; null where there is none")


class RankIn(Sent):
    """Items to put into a user's order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "17850", "item_ids": ["22423", "85123A", "47566"]}]}
    )

    user_id: Id | None = None
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_RANKED), AfterValidator(_distinct)]
    recent_item_ids: list[Id] = Field([], max_length=MAX_RECENT, description=RECENT)
    scenario: Id = Field("default", description="a placement named in params.yaml")
    explain: Annotated[bool, Field(strict=True)] = False


class RankedOut(BaseModel):
    """One of the items that were sent."""

    item_id: str
    title: str | None = Field(description="null where the release does not know the item")
    score: float | None = Field(description="the ranker's; null where no ranker ran")
    rank: int = Field(description="1 is the best")
    state: Literal["ranked", "hidden", "unknown"] = Field(
        description="hidden and unknown items come last, in the order they were sent"
    )
    reason: str | None
    explanation: ExplanationOut | None = None


class RankOut(Answered):
    """All items that were sent, in the user's order."""

    items: list[RankedOut]
