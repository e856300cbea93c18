"""Whether what a new release changes is too much to go live unseen: pure."""

from nextpick.params import PublishParams
from nextpick.release.diff import Diff

NO_WORSE = 0.01  # above the live release's own share, which it has been lived with
ROUNDING = 1e-9


def faults(found: Diff, limits: PublishParams) -> tuple[str, ...]:
    """Why the release is not to go live, each with figure, limit and the parameter's name; none where nothing is live.

    What the live release has of popular places, short lists and unavailable items is no fault of the new one, nor is
    NO_WORSE more.
    """
    new, live = found.new, found.live
    if live is None or not live.users:
        return ()
    shown, was_shown = new.coverage * new.items, live.coverage * live.items
    rules = (
        _at_most("max_lost_users", found.lost / live.users, limits, 0.0, "of the users of the live release are lost"),
        _at_least("min_overlap", found.overlap, limits, f"of the first {found.k} items are the same, on average"),
        _at_least(
            "min_coverage_ratio",
            shown / was_shown if was_shown else None,
            limits,
            f"as many different items are shown as now: {shown:,.0f} instead of {was_shown:,.0f}",
        ),
        _at_most(
            "max_popularity_share", new.popularity_share, limits, live.popularity_share,
            "of the places are the most popular items'",
        ),
        _at_most("max_short_lists", new.short, limits, live.short, f"of the users have fewer than {found.k} items"),
        _at_most(
            "max_unavailable", new.unavailable, limits, live.unavailable, "of the items in lists are hidden or gone"
        ),
    )  # fmt: skip
    return tuple(fault for fault in rules if fault)


def _at_most(name: str, value: float, limits: PublishParams, lived_with: float, what: str) -> str:
    asked = float(getattr(limits, name))
    allowed = max(asked, lived_with + NO_WORSE) if lived_with else asked
    if value <= allowed + ROUNDING:
        return ""
    return f"{value:.1%} {what}; at most {allowed:.1%} may (publish.{name}: {asked:g})."


def _at_least(name: str, value: float | None, limits: PublishParams, what: str) -> str:
    asked = float(getattr(limits, name))
    if value is None or value >= asked - ROUNDING:
        return ""
    return f"{value:.1%} {what}; at least {asked:.1%} must be (publish.{name}: {asked:g})."
