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


@pytest.mark.parametrize(
    ("moved", "like", "source", "said"),
    [
        ((UP, DOWN, MORE, LESS), None, "reranked", "What spoke for it most: first; second."),
        ((UP,), (3, 0.5), "reranked", "Because you bought Tea Number 03; what spoke for it most: first."),
        ((DOWN,), (3, 0.5), "reranked", "Because you bought Tea Number 03."),
        ((DOWN,), None, "reranked", "Nothing spoke for it; it is the best of the rest."),
        ((), None, "candidates", "It is in your list, which was not scored anew this time."),
        ((), None, "filled", "It is popular."),
        ((), None, "popular", "It is popular."),
    ],
)
def test_the_sentence_names_the_likest_item_and_the_two_that_raised_it_most(
    version: Version, moved: tuple[Moved, ...], like: tuple[int, float] | None, source: str, said: str
) -> None:
    loaded, _ = loaded_world(version, 100)
    explanation = Explanation((("als", 0), ("ease", 6)), moved, like)
    (told,) = explained(loaded, [explanation], [source], "bought", frozenset())
    expected: Any = None if like is None else {"item_id": "tea-03", "title": "Tea Number 03", "cosine": 0.5}
    assert told["text"] == said
    assert told["like"] == expected
    assert told["proposed_by"] == [{"generator": "als", "rank": 1}, {"generator": "ease", "rank": 7}]
    assert [one["moved"] for one in told["moved"]] == [one.moved for one in moved]


def test_nobody_knows_what_was_done_to_an_item_of_the_session(version: Version) -> None:
    loaded, _ = loaded_world(version, 100)
    (told,) = explained(loaded, [Explanation((), (UP,), (3, 0.5))], ["fold_in"], "bought", frozenset({"tea-03"}))
    assert told["text"].startswith("Because you chose Tea Number 03; ")
