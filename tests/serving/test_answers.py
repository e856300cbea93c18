"""What is said of an item is what its explanation holds."""

from typing import Any

import pytest

from nextpick.release.explain import Explanation, Moved
from serving.answers import explained
from tests.published import Version
from tests.unit.release.test_answer import loaded_world

UP, MORE, LESS, DOWN = (
    Moved("als_rank", 2.0, by, text)
    for by, text in ((0.9, "first"), (0.5, "second"), (0.1, "third"), (-0.7, "against"))
)
MISSING = Moved("ease_rank", float("nan"), 0.8, "not suggested")


def item(source: str) -> dict[str, Any]:
    return {"item_id": "tea-09", "source": source, "reason": "The reason"}


@pytest.mark.parametrize(
    ("moved", "like", "source", "said"),
    [
        ((UP, DOWN, MORE, LESS), None, "reranked", "The reason; what spoke for it most: first; second."),
        ((UP,), (3, 0.5), "reranked", "Because you bought Tea Number 03; what spoke for it most: first."),
        ((DOWN,), (3, 0.5), "reranked", "Because you bought Tea Number 03."),
        ((MISSING, DOWN, LESS), None, "reranked", "The reason; what spoke for it most: third."),
        ((MISSING, DOWN), None, "reranked", "The reason."),
        ((), None, "candidates", "The reason; your list was not scored anew this time."),
        ((), None, "filled", "The reason."),
    ],
)
def test_the_sentence_names_the_likest_item_or_the_reason_and_the_two_that_raised_it_most(
    version: Version, moved: tuple[Moved, ...], like: tuple[int, float] | None, source: str, said: str
) -> None:
    loaded, _ = loaded_world(version, 100)
    explanation = Explanation((("als", 0), ("ease", 6)), moved, like, like is not None)
    (told,) = explained(loaded, [explanation], [item(source)], "bought", frozenset())
    expected: Any = None if like is None else {"item_id": "tea-03", "title": "Tea Number 03", "cosine": 0.5}
    assert told["text"] == said
    assert told["like"] == expected
    assert told["proposed_by"] == [{"generator": "als", "rank": 1}, {"generator": "ease", "rank": 7}]
    assert [one["moved"] for one in told["moved"]] == [one.moved for one in moved]


@pytest.mark.parametrize(
    ("because", "session", "said"),
    [
        (True, {"tea-03"}, "Because you chose Tea Number 03; "),  # nobody knows what was done to it
        (True, {"tea-03", "tea-09"}, "The reason; "),  # it was itself chosen a moment ago
        (False, {"tea-03"}, "The reason; "),  # the likeness is not why it is here
    ],
)
def test_the_items_of_a_session_are_a_reason_for_others_and_not_for_themselves(
    version: Version, because: bool, session: set[str], said: str
) -> None:
    loaded, _ = loaded_world(version, 100)
    (told,) = explained(loaded, [Explanation((), (UP,), (3, 0.5), because)], [item("fold_in")], "bought", session)
    assert told["text"].startswith(said)
    assert told["like"]["item_id"] == "tea-03"
