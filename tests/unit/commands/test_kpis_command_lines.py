"""`nextpick kpis` is read on a terminal of 80 columns: a block for each variant and release, no cell in two lines."""

from dataclasses import replace

import pytest

from nextpick.commands.kpis import blocks
from nextpick.kpis import Counts

BUSY = Counts("default", 11, "purchase", 1_234_567, 123_456, 234_567, 7_654_321.89, 98_765_432.1)
FOUND = [
    Counts("challenger", 12, "click", 123_456, 12_345, 45_678, 0.0, 0.0),
    Counts("challenger", 12, "purchase", 123_456, 1_234, 2_345, 1_234_567.89, 98_765_432.1),
    Counts("default", 11, "added_to_the_shopping_cart", 1_234_567, 345_678, 1_234_567, 0.0, 0.0),
    BUSY,
    Counts("default", 3, "", 12, 0, 0, 0.0, 0.0),
]


def test_a_block_a_variant_and_release_says_all_of_it_in_eighty_columns() -> None:
    found = blocks(FOUND)
    assert [title for title, _ in found] == [
        "challenger, release 12: 123,456 answers",
        "default, release 11: 1,234,567 answers",
        "default, release 3: 12 answers",
    ]
    assert max(len(line) for _, lines in found for line in lines) <= 80
    assert [" ".join(line.split()) for line in found[0][1]] == [
        "kind taken share taken events revenue revenue an answer",
        "click 12,345 10.0% [9.8, 10.2] 45,678 - -",
        "purchase 1,234 1.00% [0.95, 1.06] 2,345 1,234,568 10.0 [9.9, 10.1]",
    ]
    assert found[2][1][1].split()[:3] == ["nothing", "0", "0.0%"]


def test_columns_stand_below_one_another_in_all_blocks() -> None:
    heads = {lines[0] for _, lines in blocks(FOUND)}
    assert len(heads) == 1
    place = heads.pop().index("share taken")
    assert {line[place - 1] for _, lines in blocks(FOUND) for line in lines} == {" "}


def test_a_release_that_sold_nothing_is_not_passed_over() -> None:
    found = dict(blocks(FOUND, "purchase"))
    assert found["default, release 3: 12 answers"][1].split()[:3] == ["purchase", "0", "0.0%"]


@pytest.mark.parametrize("times", [1, 1e3])
def test_however_much_is_sold_it_fits(times: float) -> None:
    much = replace(
        BUSY, answers=9_999_999, taken=9_999_998, events=int(1e8 * times), revenue=1e7 * times, squares=1e9 * times**2
    )
    assert max(len(line) for line in blocks([much])[0][1]) <= 80
