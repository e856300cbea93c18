"""A feature and its value as a sentence for people."""

from math import exp, isnan

# {0} is the value; {days} a time in days, {times} a count, {share} a percentage, {money} e to the value.
_SAID = {
    "item_popularity_7d": "taken {times} in the last 7 days",
    "item_popularity_28d": "taken {times} in the last 28 days",
    "item_trend": "its demand of the week is {factor} that of the month",
    "item_buyers_28d": "{count} people took it in the last 28 days",
    "item_first_buyers_7d": "{count} people took it for the first time in the last 7 days",
    "item_first_buyers_28d": "{count} people took it for the first time in the last 28 days",
    "item_rebuy_share": "{share} of those who took it came back for it",
    "item_rebuy_share_28d": "{share} of those who had it 28 days ago came back for it",
    "item_times_per_buyer": "who takes it takes it {0:.1f} times",
    "item_idle_days": "last taken by anybody {days} ago",
    "item_age_days": "in the catalogue for {days}",
    "item_price": "costs {0:.2f}",
    "user_items": "you have {count} different items",
    "user_interactions": "you took something {times}",
    "user_days": "you came on {count} days",
    "user_items_per_interaction": "different items are {share} of all you took",
    "user_interactions_per_day": "you take {0:.1f} items a visit",
    "user_last_items": "you took {count} items on your last day",
    "user_last_new_share": "{share} of your last day's items were new to you",
    "user_idle_days": "you last came {days} ago",
    "user_due": "your pause is {0:.1f} times your usual one",
    "user_tenure_days": "you first came {days} ago",
    "user_log_price": "you usually pay about {money}",
    "own_count": "you took it {times}",
    "own_pull": "your pull to it, fading with time, is {0:.2f}",
    "own_place": "number {place} of your own items by how often and how lately",
    "own_pull_now": "your pull to it, with what is popular this week, is {0:.2f}",
    "own_place_now": "number {place} of your own items, with what is popular this week",
    "own_share": "{share} of all you took",
    "own_per_day": "you take it {0:.2f} times a visit",
    "own_idle_days": "you last took it {days} ago",
    "own_behind_days": "{days} of yours passed since you took it",
    "own_skipped_days": "you came {times} since without taking it",
    "own_interval_days": "you take it every {days}",
    "own_due": "{0:.1f} of your usual intervals have passed since you took it",
    "own_log_price_gap": "its price is {factor} what you usually pay",
    "category_share": "{share} of your items are of its category",
    "category_idle_days": "you last took something of its category {days} ago",
    "similar_max": "likeness {0:.2f} to one of your latest items",
    "similar_mean": "likeness {0:.2f} to your latest items, on average",
}


def words(feature: str, value: float) -> str:
    """Such as "you last took it 12 days ago"; a feature without words of its own is named as it is."""
    if isnan(value):
        return f"{_plain(feature)} is not known"
    if feature in _SAID:
        return _SAID[feature].format(
            value,
            days=f"{value:.0f} days" if round(value) != 1 else "1 day",
            times="once" if value == 1 else f"{value:.0f} times",
            count=f"{value:.0f}",
            share=f"{value:.0%}",
            place=f"{value + 1:.0f}",
            money=f"{exp(min(value, 50.0)):.2f}",
            factor=f"{exp(min(value, 50.0)):.1f} times",
        )
    name, _, what = feature.rpartition("_")
    if what == "rank":
        return f"number {value + 1:.0f} of the candidates by {_plain(name)}"
    if what == "score":
        return f"{_plain(name)} scores it {value:.3g}"
    return f"{_plain(feature)} is {value:.3g}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
