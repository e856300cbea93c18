"""A feature and its value as a sentence for people.

What the user did is "chose", which fits whatever they do to items.
"""

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
    "user_interactions": "you chose something {times}",
    "user_days": "you came on {count} days",
    "user_items_per_interaction": "different items are {share} of all you chose",
    "user_interactions_per_day": "you choose {0:.1f} items a visit",
    "user_last_items": "you chose {count} items on your last day",
    "user_last_new_share": "{share} of your last day's items were new to you",
    "user_idle_days": "you last came {days} ago",
    "user_due": "your pause is {0:.1f} times your usual one",
    "user_tenure_days": "you first came {days} ago",
    "user_log_price": "you usually pay about {money}",
    "own_count": "you chose it {times}",
    "own_pull": "your pull to it, fading with time, is {0:.2f}",
    "own_place": "number {place} of your own items by how often and how lately",
    "own_pull_now": "your pull to it, with what is popular this week, is {0:.2f}",
    "own_place_now": "number {place} of your own items, with what is popular this week",
    "own_share": "{share} of all you chose",
    "own_per_day": "you choose it {0:.2f} times a visit",
    "own_idle_days": "you last chose it {days} ago",
    "own_behind_days": "your last visit was {days} after you last chose it",
    "own_skipped_days": "you came {times} since without choosing it",
    "own_interval_days": "you come back for it after {days}",
    "own_due": "{0:.1f} of your usual intervals have passed since you chose it",
    "own_log_price_gap": "its price is {factor} what you usually pay",
    "category_share": "{share} of your items are of its category",
    "category_idle_days": "you last chose something of its category {days} ago",
    "similar_max": "likeness {0:.2f} to one of your latest items",
    "similar_mean": "likeness {0:.2f} to your latest items, on average",
}
# Said where nobody knows the value; by its beginning, the first that fits.
_MISSING = {
    "item_price": "its price is not known",
    "item_age_days": "nothing is known of how long it is in the catalogue",
    "item_": "nobody took it so far",
    "user_log_price": "what you usually pay is not known",
    "user_": "nothing is known of you",
    "own_log_price_gap": "how its price compares with what you usually pay is not known",
    "own_interval_days": "you have not chosen it on more than one occasion",
    "own_due": "you have not chosen it on more than one occasion",
    "own_": "you have not chosen it so far",
    "category_share": "its category is not known",
    "category_idle_days": "nothing of its category is among what you chose",
    "similar_": "its likeness to your items is not known",
}
# What a generator goes by, in words; one that is not here is named as it is.
_GOES_BY = {
    "als": "what people like you chose (als)",
    "bought_together": "what goes together with your latest items (bought together)",
    "buy_again": "what you choose again and again (buy again)",
    "bpr": "what people like you chose (bpr)",
    "ease": "what goes with your items (ease)",
    "item_knn": "what people of your items chose (item knn)",
    "linear_filter": "what goes with your items (linear filter)",
    "popular": "what is popular",
    "rp3beta": "what people of your items chose (rp3beta)",
}


def words(feature: str, value: float) -> str:
    """Such as "you last chose it 12 days ago"; a feature without words of its own is named as it is."""
    if isnan(value):
        return _missing(feature)
    if feature == "own_count" and value == 0:
        return _MISSING["own_"]
    if feature in _SAID:
        return _SAID[feature].format(
            value,
            days="less than a day" if value < 0.5 else "1 day" if round(value) == 1 else f"{value:.0f} days",
            times="once" if value == 1 else f"{value:.0f} times",
            count=f"{value:.0f}",
            share=f"{value:.0%}",
            place=f"{value + 1:.0f}",
            money=f"{exp(min(value, 50.0)):.2f}",
            factor=f"{exp(min(value, 50.0)):.1f} times",
        )
    name, _, what = feature.rpartition("_")
    if what == "rank":
        return f"number {value + 1:.0f} of the candidates by {_goes_by(name)}"
    if what == "score":
        return f"scores {value:.3g} by {_goes_by(name)}"
    return f"{_plain(feature)} is {value:.3g}"


def _missing(feature: str) -> str:
    name, _, what = feature.rpartition("_")
    if what in ("rank", "score"):  # first, as a generator may be named after items
        return f"not suggested by {_goes_by(name)}"
    for begin, said in _MISSING.items():
        if feature.startswith(begin):
            return said
    return f"{_plain(feature)} is not known"


def _goes_by(generator: str) -> str:
    return _GOES_BY.get(generator, _plain(generator))


def _plain(name: str) -> str:
    return name.replace("_", " ")
