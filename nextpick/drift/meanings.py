"""What the columns and statistics of a drift report mean, for the pages and tables that show them."""

COLUMNS = {
    "interactions": "how many interactions there were",
    "active_users": "how many users had an interaction",
    "live_events": "events that came in as they happened",
    "hour": "hour of the day, UTC",
    "item_popularity_log": "ln(1 + the item's interactions per 10,000 of the 28 days before)",
    "price_log": "ln(1 + the item's catalogue price)",
    "value_log": "ln(1 + the event's value)",
    "user_activity_log": "ln(interactions in the window), one row an active user",
    "kind": "kind of event",
    "category": "the item's finest category",
    "lateness_log": "ln(1 + seconds until the event came in), of events that came in within two days",
    "new_item": "interactions with an item that had its first one in the window",
    "new_user": "active users who had their first interaction in the window",
    "unknown_items": "interactions with an item that the catalogue does not know",
    "answers_taken": "answers followed, within a day, by the user's taking something they showed",
    "online_ndcg": "mean ndcg of the answers to users who took anything within a day",
    "list_coverage": "share of the catalogue that as many answers show",
    "list_popularity": "share of the places that the most popular hundredth of the items has",
    "list_churn": "share of an answer's items that the user's answer before did not show",
    "served_features": "the ranker's features as they were served, against those of training",
    "served_score": "the ranker's score of a served item",
    "served_source": "who filled the slot of a served item",
}
STATISTICS = {
    "psi": "population stability index: 0 alike, 0.1 moved, 0.25 moved far",
    "ks": "Kolmogorov-Smirnov D: the largest gap between the two distributions, 0 to 1",
    "js": "Jensen-Shannon distance: 0 alike, 1 nothing in common",
    "missing": "how much larger the share of rows without a value is",
    "lost": "share of a category that has hardly a row any more, or of what a feature of one value had besides",
    "skew": "share of the answers compared in which a feature is not, to the last bit, what training would compute",
    "rate": "how much larger or smaller the share is",
    "level": "doublings (negative: halvings) against the middle week",
    "volume": "doublings (negative: halvings) against the middle week",
    "silence": "share of the same weekdays that had events, where the last day had none",
}


def meaning(column: str) -> str:
    """A column in words; a served feature is named after itself."""
    if column in COLUMNS:
        return COLUMNS[column]
    return f"the feature {column.removeprefix('served_')} as the ranker read it" if column.startswith("served_") else ""
