"""A user's own events and items, brought into the schema row by row; a row that cannot be is refused with a reason."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pandas as pd

from nextpick.data import fields, moments
from nextpick.data.blocks import Block, Reject
from nextpick.data.ids import digests
from nextpick.data.moments import TimeForm
from nextpick.errors import ConfigError, DataError
from nextpick.schema import (
    ATTRIBUTES,
    CATEGORIES,
    EVENT_COLUMNS,
    EVENT_ID,
    ITEM_COLUMNS,
    ITEM_ID,
    KIND,
    MAX_ID_LENGTH,
    MAX_KIND_LENGTH,
    OCCURRED_AT,
    PRICE,
    PUBLISHED_AT,
    TITLE,
    USER_ID,
    VALUE,
)

DIGEST = "digest"
AHEAD = timedelta(minutes=5)  # how far a source's clock may be ahead of ours, as at POST /events
EARLIEST = pd.Timestamp("1980-01-01", tz="UTC")  # seconds read as milliseconds lie before
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes one, and not a backslash before u0000
ITEM_FIELDS = tuple(name for name in ITEM_COLUMNS if name != ATTRIBUTES)  # attributes are all other columns


@dataclass(frozen=True)
class EventForm:
    """How events are written. `columns` maps fields to the source's names where they differ; `kind` is that of rows
    that name none."""

    columns: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    times: TimeForm = field(default_factory=TimeForm)

    def __post_init__(self) -> None:
        if self.kind is not None and not 0 < len(self.kind) <= MAX_KIND_LENGTH:
            raise ConfigError(f"A kind has 1 to {MAX_KIND_LENGTH} characters, not {len(self.kind)}.")
        if self.kind is not None and not self.kind.isprintable():
            raise ConfigError(f"The kind {self.kind!r} holds characters that are no text.")


@dataclass(frozen=True)
class ItemForm:
    """How a catalogue is written. `separator` parts the categories where they are one text; columns `left_out` are no
    attributes."""

    columns: Mapping[str, str] = field(default_factory=dict)
    times: TimeForm = field(default_factory=TimeForm)
    separator: str = "|"
    left_out: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.separator:
            raise ConfigError(
                "The category separator is empty; leave it out where no categories are written as one text."
            )


@dataclass(frozen=True)
class Checked:
    """Rows fit for the tables, and those that are not.

    `good` has EVENT_COLUMNS and DIGEST (event_id missing where the source brings none), or ITEM_COLUMNS.
    """

    good: pd.DataFrame
    rejects: tuple[Reject, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Reason -> rows left out on purpose, which are no faults."""

    @property
    def read(self) -> int:
        return len(self.good) + len(self.rejects) + sum(self.dropped.values())


def columns(pairs: Iterable[str], known: tuple[str, ...]) -> dict[str, str]:
    """The mapping that `field=column` pairs say. Raises: ConfigError for a pair that is none, or names no field."""
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name not in known or not column:
            raise ConfigError(f"{pair!r} maps no column; write field=column with a field of {', '.join(known)}.")
        mapping[name] = column
    return mapping


def require_columns(block: Block, form: EventForm | ItemForm, name: str) -> None:
    """Raises: DataError where the first block of a source lacks a column that is needed or was named."""
    needed = {ITEM_ID} if isinstance(form, ItemForm) else {USER_ID, ITEM_ID, OCCURRED_AT}
    if isinstance(form, EventForm) and form.kind is None:
        needed.add(KIND)
    wanted = {field: form.columns.get(field, field) for field in needed | form.columns.keys()}
    absent = {field: column for field, column in wanted.items() if column not in block.columns}
    if not absent or not len(block.numbers):
        return
    option = "--item-column" if isinstance(form, ItemForm) else "--column"
    remedies = [f"{option} {field}=..." for field in sorted(absent)]
    if KIND in absent and KIND not in form.columns:
        remedies.append("or --kind for a kind that all rows have")
    raise DataError(
        f"{name} has no column {', '.join(repr(column) for column in sorted(absent.values()))}; "
        f"it has {', '.join(map(repr, block.columns))}. Say which is meant: {' '.join(remedies)}."
    )


def check_events(block: Block, form: EventForm, as_of: datetime) -> Checked:
    """The block's events. `as_of` is now: what lies more than AHEAD after it is refused."""
    users, user_reasons = fields.ids(_column(block, form, USER_ID), USER_ID, MAX_ID_LENGTH)
    items, item_reasons = fields.ids(_column(block, form, ITEM_ID), ITEM_ID, MAX_ID_LENGTH)
    kinds, kind_reasons = fields.ids(_column(block, form, KIND, form.kind), KIND, MAX_KIND_LENGTH)
    at, time_reasons = moments.parse(_column(block, form, OCCURRED_AT), form.times, OCCURRED_AT)
    time_reasons = time_reasons.mask(at.isna() & (time_reasons == ""), f"{OCCURRED_AT} is missing")
    time_reasons = time_reasons.mask(at > pd.Timestamp(as_of + AHEAD), f"{OCCURRED_AT} is in the future")
    time_reasons = time_reasons.mask(at < EARLIEST, f"{OCCURRED_AT} is before {EARLIEST.year}: is the unit right?")
    values, value_reasons = fields.numbers(_column(block, form, VALUE), VALUE)
    event_ids, id_reasons = fields.ids(_column(block, form, EVENT_ID), EVENT_ID, MAX_ID_LENGTH, required=False)
    reasons = fields.first((user_reasons, item_reasons, kind_reasons, time_reasons, value_reasons, id_reasons))
    frame = pd.DataFrame(dict(zip(EVENT_COLUMNS, (event_ids, users, items, kinds, at, values), strict=True)))
    good = frame[reasons == ""]
    return Checked(good.assign(**{DIGEST: digests(good)}), _rejects(block, reasons))


def check_items(block: Block, form: ItemForm) -> Checked:
    """The block's items; one without a title is called by its id."""
    ids, id_reasons = fields.ids(_column(block, form, ITEM_ID), ITEM_ID, MAX_ID_LENGTH)
    titles, title_reasons = fields.texts(_column(block, form, TITLE), TITLE)
    categories, category_reasons = fields.lists(_column(block, form, CATEGORIES), form.separator, CATEGORIES)
    prices, price_reasons = fields.numbers(_column(block, form, PRICE), PRICE, negative=False)
    published, time_reasons = moments.parse(_column(block, form, PUBLISHED_AT), form.times, PUBLISHED_AT)
    attributes = _attributes(block, form)
    strange = attributes.isna()
    nul = pd.Series([bool(_NUL.search(text)) for text in attributes.fillna("")], index=attributes.index, dtype=bool)
    reasons = fields.first(
        (
            *(id_reasons, title_reasons, category_reasons, price_reasons, time_reasons),
            fields.nothing(ids).mask(nul, "an attribute holds a NUL character"),
            fields.nothing(ids).mask(strange, "an attribute is nested too deeply, or out of range"),
        )
    )
    values = (ids, titles.fillna(ids), categories, prices, published, attributes)
    frame = pd.DataFrame(dict(zip(ITEM_COLUMNS, values, strict=True)))
    return Checked(frame[reasons == ""], _rejects(block, reasons))


def _column(block: Block, form: EventForm | ItemForm, name: str, default: str | None = None) -> pd.Series:
    column = form.columns.get(name, name)
    if column not in block.columns:
        return pd.Series(default, index=range(len(block.numbers)), dtype="str")
    written = block.columns[column]
    if default is None:
        return written
    return written.astype("object").mask(written.isna() | (written == ""), default)


def _rejects(block: Block, reasons: pd.Series) -> tuple[Reject, ...]:
    bad = np.flatnonzero(reasons != "")
    rejects = [Reject(int(block.numbers[at]), str(reasons.iloc[at]), block.line(int(at))) for at in bad]
    return tuple(sorted((*block.rejects, *rejects), key=lambda reject: reject.number))


def _attributes(block: Block, form: ItemForm) -> pd.Series:
    """A JSON object of every column that is no field, where something is written; missing where that is no JSON."""
    taken = {form.columns.get(name, name) for name in ITEM_FIELDS} | form.left_out
    rest = block.columns[[column for column in block.columns if column not in taken]]
    rows = [_json({name: value for name, value in row.items() if _is_there(value)}) for row in rest.to_dict("records")]
    return pd.Series(rows if len(rest.columns) else "{}", index=range(len(block.numbers)), dtype="str")


def _json(row: Mapping[Any, Any]) -> str | None:
    try:
        return orjson.dumps(row, str, _JSON).decode()
    except orjson.JSONEncodeError:
        return None


def _is_there(value: Any) -> bool:
    if isinstance(value, list | dict | np.ndarray):
        return len(value) > 0
    return not (value is None or value is pd.NA or value is pd.NaT or value != value or value == "")
