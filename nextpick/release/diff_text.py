"""A diff as Markdown, for MLflow and a terminal alike."""

from collections.abc import Iterable, Sequence

from nextpick.release.diff import Diff, Figures

PICTURE = "overlap.png"
_MEANINGS = {
    "users": "users",
    "items": "items in the catalogue",
    "length": "items a list, mean",
    "empty": "users with an empty list",
    "short": "users with fewer than {k} items",
    "coverage": "of the catalogue in somebody's first {k}",
    "popularity_share": "of the first {k} places, the most popular items'",
    "unavailable": "of the items in lists, hidden or gone",
}
_COUNTS = ("users", "items")


def text(found: Diff, new: str, live: str, reasons: Sequence[str], picture: bool) -> str:
    """The whole page. `new` and `live` name the two releases; `live` is empty where none was live."""
    verdict = "blocked" if reasons else "nothing stands against it"
    sections = [f"# {new}: {verdict}", "\n".join(f"- {reason}" for reason in reasons)]
    if found.live is None:
        sections += ["Nothing was live to compare with.", _sides(found.k, found.new, None, new, live)]
    else:
        sections += [_users(found), _sides(found.k, found.new, found.live, new, live), *_overlap(found, picture)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _users(found: Diff) -> str:
    return f"{found.gained:,} users are new, {found.lost:,} are lost, {found.both:,} are in both."


def _sides(k: int, new: Figures, live: Figures | None, new_name: str, live_name: str) -> str:
    rows = []
    for name, meaning in _MEANINGS.items():
        sides = [_said(name, getattr(side, name)) for side in (new, live) if side is not None]
        rows.append((meaning.format(k=k), *sides))
    return _table(("", new_name, *([live_name] if live else [])), rows)


def _overlap(found: Diff, picture: bool) -> list[str]:
    if found.overlap is None:
        return ["No user is in both."]
    deciles = ", ".join(f"{value:.2f}" for value in found.deciles)
    said = f"## Overlap of the first {found.k} items\n\nMean {found.overlap:.3f}; deciles {deciles}."
    rows = [(f"`{user.replace('`', ' ')}`", f"{overlap:.2f}") for overlap, user in found.worst]
    return [
        said,
        f"![users by overlap]({PICTURE})" if picture else "",
        f"Changed most:\n\n{_table(('user', 'overlap'), rows)}" if rows else "No list changed.",
    ]


def _said(name: str, value: float) -> str:
    if name in _COUNTS:
        return f"{value:,.0f}"
    return f"{value:.1f}" if name == "length" else f"{value:.2%}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)
