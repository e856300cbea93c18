"""Column names and value types, fixed in one place.

An *interaction* is one event: a user did `kind` to an item at `occurred_at`. In frames its columns are
EVENT_ID, USER_ID, ITEM_ID, KIND (text), OCCURRED_AT (datetime64[us, UTC]) and VALUE (float64, may be NaN:
money, a rating, whatever the source counts). A *catalogue* has ITEM_ID, TITLE (text), CATEGORIES (list of
text), PRICE (float64, may be NaN), PUBLISHED_AT (datetime64[us, UTC], may be NaT) and ATTRIBUTES (a JSON
object as text).

Inside arrays a moment is an int64 count of microseconds since 1970-01-01 UTC.
"""

EVENT_ID = "event_id"
USER_ID = "user_id"
ITEM_ID = "item_id"
KIND = "kind"
OCCURRED_AT = "occurred_at"
VALUE = "value"
EVENT_COLUMNS = (EVENT_ID, USER_ID, ITEM_ID, KIND, OCCURRED_AT, VALUE)

TITLE = "title"
CATEGORIES = "categories"
PRICE = "price"
PUBLISHED_AT = "published_at"
ATTRIBUTES = "attributes"
ITEM_COLUMNS = (ITEM_ID, TITLE, CATEGORIES, PRICE, PUBLISHED_AT, ATTRIBUTES)

RANK = "rank"  # from 0, of an item in an answer
SHOWN_AT = "shown_at"
SHOWN_COLUMNS = (USER_ID, ITEM_ID, RANK, SHOWN_AT)

ANSWER = "answer"  # a number, from 0
PROPENSITY = "propensity"  # of an item in its place of an answer
LOT_COLUMNS = (ANSWER, USER_ID, ITEM_ID, RANK, SHOWN_AT, PROPENSITY)

MAX_ID_LENGTH = 256  # characters, of a user, item or event id; also checked by Postgres
MAX_KIND_LENGTH = 64

US_PER_DAY = 86_400_000_000
