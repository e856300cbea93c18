"""The file for review."""

import yaml

from nextpick.params import parse_params
from nextpick.tuning import review
from tests.trained import PARAMS

TEXT = """\
# What changes a result.
als:
  factors: 64       # more cost more
  alpha: 10.0
pool: {als: 100}    # on one line
"""


def test_values_change_and_comments_and_order_stay() -> None:
    wanted = TEXT.replace("64", "32").replace("100}", "50} ")  # a comment stays in its column
    assert review.rewritten(TEXT, {"als.factors": 32, "pool.als": 50}) == wanted


def test_what_the_file_lacks_is_added() -> None:
    added = yaml.safe_load(review.rewritten(TEXT, {"als.regularization": 0.5, "ease.regularization": 20}))
    assert added["als"] == {"factors": 64, "alpha": 10.0, "regularization": 0.5}
    assert added["ease"] == {"regularization": 20}


def test_the_projects_own_file_is_kept_to_the_letter_but_for_what_changes() -> None:
    text = PARAMS.read_text()
    assert review.rewritten(text, {}) == text
    old = parse_params(text).buy_again.half_life_days
    changed = review.rewritten(text, {"buy_again.half_life_days": old + 1})
    assert parse_params(changed).buy_again.half_life_days == old + 1
    different = [line for line in review.difference(text, changed).splitlines() if line[0] in "+-"][2:]
    assert [line.split(":")[0] for line in different] == ["-  half_life_days", "+  half_life_days"]
    assert review.difference(text, text) == ""
